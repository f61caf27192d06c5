#!/usr/bin/env python3
"""labels.py [MEGABYTES]: speed and memory of reading Visual Genome's JSON, on a generated file of that size (200).

Prints a CSV line a case: MB/s of the input and the largest resident memory in MB. The file has the shape of the real one:
about 35 objects an image, in 108,077 images at 1,600 MB. Standard library only.
"""
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MASK = os.path.join(ROOT, os.environ.get("BUILD", "build"), "mask")
WORDS = ["man", "traffic light", "t-shirt", "window", "tree", "the sky", "hot dog", "grass", "chair", "leg"]


def write(path, megabytes, key, entry):
    """Images until the file is full; returns how many."""
    random.seed(1)
    size, image = 0, 0
    with open(path, "w") as file:
        while size < megabytes * 1e6:
            image += 1
            line = json.dumps({"image_id": image, key: [entry(image * 100 + i) for i in range(random.randrange(20, 50))]})
            size += file.write(("," if image > 1 else "[") + line)
        file.write("]")
    return image


def thing(i):
    return {"synsets": ["man.n.01"], "h": random.randrange(5, 400), "object_id": i, "merged_object_ids": [], "names":
            [random.choice(WORDS)], "w": random.randrange(5, 400), "y": random.randrange(400), "x": random.randrange(400)}


def described(i):
    return {"object_id": i, "names": ["man"], "attributes": ["white"]} if i % 2 else {"object_id": i, "names": ["man"]}


def run(name, megabytes, *words):
    begin = time.monotonic()
    pid = subprocess.Popen([MASK, *words, "--quiet"], stdout=subprocess.DEVNULL).pid
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - begin
    assert status == 0, words
    print("%s,%.0f,%.1f,%.0f,%.0f" % (name, megabytes, seconds, megabytes / seconds, usage.ru_maxrss / 1024), flush=True)


def main(megabytes):
    with tempfile.TemporaryDirectory() as folder:
        objects, attributes, back, out = (os.path.join(folder, n) for n in
                                          ("objects.json", "attributes.json", "back.json", "regions.tsv"))
        images = write(objects, megabytes, "objects", thing)
        write(attributes, megabytes / 3, "attributes", described)
        with open(back, "w") as file:  # the same in reverse
            file.write("[" + ",".join(json.dumps({"image_id": i, "attributes": [described(i * 100)]}) for i in range(images, 0, -1)) + "]")
        size = lambda *paths: sum(map(os.path.getsize, paths)) / 1e6
        print("case,megabytes,seconds,MB_per_second,resident_MB")
        run("mack", size(objects), "convert", objects, "--recipe", "mack", "-o", out)
        run("mask (two passes)", size(objects), "convert", objects, "-o", out)
        run("attributes in order", size(objects, attributes), "convert", objects, "--recipe", "mack", "--attributes", attributes, "-o", out)
        run("attributes reversed", size(objects, back), "convert", objects, "--recipe", "mack", "--attributes", back, "-o", out)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 200)
