#!/usr/bin/env python3
"""onnx.py NETWORK-DUMP [RESULT.csv]: the default encoder's network and a ViT-S/16, milliseconds a photo of ours and of ONNX
Runtime on the same file, one and two threads, each the fastest of 30 runs, alternating in five rounds. Needs what
tests/compare-onnx.py needs (MASK_ORACLES names the Python).
"""
import csv
import os
import subprocess
import sys
import tempfile
import time

if os.environ.get("MASK_ORACLES"):
    python = os.environ.pop("MASK_ORACLES")
    os.execv(python, [python, "-B", *sys.argv])
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "tests"))
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import networks_made  # noqa: E402

ROUNDS, RUNS = 5, 30


def theirs(path, x, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(None, {"x": x})
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


def ours(dump, path, side, raw, threads, out):
    run = subprocess.run([dump, path, str(side), raw, out, "--threads", str(threads), "--time", str(RUNS)],
                         capture_output=True, text=True, check=True)
    return float(run.stdout.split()[0].split("=")[1])


def main():
    dump = sys.argv[1]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        raw, out = os.path.join(folder, "raw"), os.path.join(folder, "out")
        np.zeros(384 * 384 * 3, np.float32).tofile(raw)
        default, vit = os.path.join(folder, "default.onnx"), os.path.join(folder, "vit.onnx")
        subprocess.run([dump, os.path.join(ROOT, "encoders/default.menc"), "384", raw, out, "--network", default],
                       check=True, capture_output=True)
        networks_made.export("vit_s_16", vit)
        for name, path, side in (("default, 384", default, 384), ("ViT-S/16, 224", vit, 224)):
            x = np.random.default_rng(1).normal(size=(1, 3, side, side)).astype(np.float32)
            np.ascontiguousarray(x.transpose(0, 2, 3, 1)).tofile(raw)
            for threads in (1, 2):
                pairs = [(ours(dump, path, side, raw, threads, out), theirs(path, x, threads)) for _ in range(ROUNDS)]
                own, other = (min(p[i] for p in pairs) for i in range(2))
                rows.append([name, threads, f"{own:.1f}", f"{other:.1f}", f"{other / own:.2f}"])
                print(f"{name}, {threads} threads: ours {own:.1f} ms, ONNX Runtime {onnxruntime.__version__} {other:.1f} ms")
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w", newline="", encoding="utf8") as file:
            writer = csv.writer(file)
            writer.writerow(["network", "threads", "ours_ms", "onnxruntime_ms", "times as fast"])
            writer.writerows(rows)


main()
