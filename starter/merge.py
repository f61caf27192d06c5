#!/usr/bin/python3
"""merge.py OUT CAP FOLDER...: several folders of labelled regions (features.npy, regions.tsv) as one. Of all but the first
folder at most CAP regions of a label are taken, by chance, always the same: one label must not rule (python3-numpy).
"""
import os
import random
import sys

import numpy as np


def read(folder):
    with open(os.path.join(folder, "regions.tsv"), encoding="utf8") as file:
        header, *lines = file.read().splitlines()
    return header, lines, np.load(os.path.join(folder, "features.npy"), mmap_mode="r")


def capped(lines, cap):
    order, count, kept = list(range(len(lines))), {}, []
    random.Random(1).shuffle(order)
    for i in order:
        label = lines[i].split("\t")[5]
        count[label] = count.get(label, 0) + 1
        if count[label] <= cap:
            kept.append(i)
    return sorted(kept)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    out, cap = sys.argv[1], int(sys.argv[2])
    rows, features = [], []
    for number, folder in enumerate(sys.argv[3:]):
        header, lines, array = read(folder)
        keep = capped(lines, cap) if number else range(len(lines))
        rows += [lines[i] for i in keep]
        features.append(array[list(keep)])
    os.makedirs(out, exist_ok=True)
    np.save(os.path.join(out, "features.npy"), np.concatenate(features))
    with open(os.path.join(out, "regions.tsv"), "w", encoding="utf8") as file:
        file.writelines(line + "\n" for line in [header] + rows)
