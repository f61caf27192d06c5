#!/usr/bin/env python3
"""damaged-networks.py FUZZ-NETWORK MAKE-TFLITE MAKE-ONNX: forty damaged files each of an ONNX classifier, an ONNX transformer
and a TFLite classifier, the same in every
run, replayed by the fuzz target: cut, with bytes flipped, with runs of bytes taken out, doubled or all set.
"""
import os
import random
import subprocess
import sys
import tempfile


def damaged(data, number):
    chance = random.Random(number)
    at, length = chance.randrange(len(data)), chance.randrange(1, 40)
    kind = number % 5
    if kind == 0:
        return data[:at]
    if kind == 1:
        return b"".join(bytes([b ^ 1 << chance.randrange(8)]) if chance.random() < 4 / len(data) else bytes([b]) for b in data)
    if kind == 2:
        return data[:at] + data[at + length:]
    if kind == 3:
        return data[:at] + data[at:at + length] * 2 + data[at + length:]
    return data[:at] + b"\xff" * length + data[at + length:]


def main():
    fuzz, make_tflite, make_onnx = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, command in (("tflite", [make_tflite, "classifier"]), ("classifier", [make_onnx, "classifier"]),
                              ("transformer", [make_onnx, "transformer"])):
            data = subprocess.run(command, check=True, capture_output=True).stdout
            for number in range(41):
                paths.append(os.path.join(folder, f"{number}.{name}"))
                with open(paths[-1], "wb") as file:
                    file.write(damaged(data, number) if number else data)
        subprocess.run([fuzz, *paths], check=True)


main()
