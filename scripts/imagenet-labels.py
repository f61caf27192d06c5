#!/usr/bin/env python3
"""imagenet-labels.py SYNSETS [WORDNET]: the classes of ImageNet-1k as labels to learn words from, one line a class.

SYNSETS lists the WordNet synsets of the classes in their order (n01440764, ...): timm/data/_info/imagenet_synsets.txt of the
Python package timm (Apache-2.0). WORDNET is the folder of WordNet 3.0's files (/usr/share/wordnet of wordnet-base; WordNet
licence). A line is the synset's own names, then those of the synsets above it, set apart by commas; the first is the class's name.
Synsets over more than MOST classes ("artifact", "organism") say nothing one could see and are left out.
"""
import collections
import sys

MOST = 400


def synset(data, offset):
    """The names of a noun synset and the offsets of those directly above it (wndb(5WN))."""
    fields = data[offset:data.index(b"\n", offset)].decode("ascii").split(" ")
    count = int(fields[3], 16)
    at = 4 + 2 * count
    pointers = [fields[at + 1 + 4 * i:at + 5 + 4 * i] for i in range(int(fields[at]))]
    above = [int(p[1]) for p in pointers if p[0] in ("@", "@i") and p[2] == "n"]
    return [name.replace("_", " ") for name in fields[4:at:2]], above


def all_above(data, offset):
    found, rest = [], [offset]
    while rest:
        for above in synset(data, rest.pop(0))[1]:
            if above not in found:
                found.append(above)
                rest.append(above)
    return found


def main(synsets, wordnet):
    data = open(wordnet + "/data.noun", "rb").read()
    classes = [int(line[1:]) for line in open(synsets, encoding="ascii")]
    above = [all_above(data, offset) for offset in classes]
    classes_below = collections.Counter(offset for offsets in above for offset in offsets)
    for offset, offsets in zip(classes, above):
        names = list(synset(data, offset)[0])
        for other in offsets:
            if classes_below[other] <= MOST:
                names += [name for name in synset(data, other)[0] if name not in names]
        print(", ".join(names))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else "/usr/share/wordnet")
