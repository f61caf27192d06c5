#!/usr/bin/env python3
"""Writes a small made-up data set in the field's formats: generate.py FOLDER [SEED]. Python's standard library only.

It imitates what makes the real task hard: features are never negative and all point one way, every region mixes its
thing with its surroundings, images differ in light and words in how visible they are, some words of the captions were
never seen as labels ("puppy"), and nothing is paired.
  FOLDER/knowledge/features.npy, regions.tsv   labelled regions to learn from
  FOLDER/vectors.txt                           word vectors, GloVe text
  FOLDER/demo_precomp/dev_*                    images and five captions each, to evaluate on
  FOLDER/background_ims.npy, background_caps.txt   unpaired background to calibrate with
"""
import array
import os
import random
import struct
import sys

DIM, VECTOR_DIM, REGIONS = 64, 24, 8
NOISE, LIGHT = 1.6, 0.5  # of every feature value; of an image, shared by its regions
THINGS = {  # word: a near synonym that no label uses, or None
    "dog": "puppy", "cat": "kitten", "horse": "pony", "bird": "sparrow", "boat": "ship", "car": "automobile",
    "ball": None, "tree": "oak", "house": "cottage", "bench": None, "bicycle": "bike", "kite": None, "boy": "kid",
    "woman": "lady", "guitar": None, "umbrella": None, "skateboard": None, "elephant": None, "bus": None, "cake": None,
}
PLACES = ["grass", "beach", "snow", "street", "water", "forest", "desert", "kitchen"]
COLOURS = ["red", "blue", "green", "yellow", "white", "black", "brown", "orange"]


def write_npy(path, shape, values):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }" % ", ".join(map(str, shape))
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        f.write(array.array("f", values).tobytes())


class World:
    """Every word has a direction in feature space and one in word-vector space; synonyms share most of both."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.base = self.vector(DIM, 1.0)
        self.look, self.vectors = {}, {}
        for group in (list(THINGS), PLACES, COLOURS):
            common = self.vector(VECTOR_DIM, 0.6)
            for word in group:
                self.look[word] = self.vector(DIM, self.random.uniform(0.6, 1.4))
                self.vectors[word] = [a + b for a, b in zip(common, self.vector(VECTOR_DIM, 1.0))]
        for word, synonym in THINGS.items():
            if synonym:
                self.look[synonym] = self.look[word]
                self.vectors[synonym] = [a + b for a, b in zip(self.vectors[word], self.vector(VECTOR_DIM, 0.45))]

    def vector(self, dim, scale):
        return [self.random.gauss(0, scale) for _ in range(dim)]

    def feature(self, weights, light):
        """A region that shows words with weights, as a detector's post-ReLU feature."""
        x = [2.2 * b + l + self.random.gauss(0, NOISE) for b, l in zip(self.base, light)]
        for word, weight in weights:
            x = [a + weight * b for a, b in zip(x, self.look[word])]
        return [max(0.0, v) for v in x]

    def scene(self):
        things = self.random.sample(list(THINGS), 2)
        return [(t, self.random.choice(COLOURS)) for t in things], self.random.choice(PLACES)

    def image(self, scene):
        """Region 0 is the whole image, then two regions a thing, then parts of the place."""
        things, place = scene
        light = self.vector(DIM, LIGHT)
        regions = [self.feature([(t, 0.5) for t, _ in things] + [(place, 0.7)], light)]
        boxes = [(0, 0, 224, 224)]
        for i, (thing, colour) in enumerate(things):
            for shift in (0, 12):
                regions.append(self.feature([(thing, 1.1), (colour, 0.6), (place, 0.3)], light))
                boxes.append((20 + 100 * i + shift, 60, 110 + 100 * i + shift, 170))
        while len(regions) < REGIONS:
            regions.append(self.feature([(place, 1.0)], light))
            x = self.random.randrange(0, 150)
            boxes.append((x, 120, x + 70, 220))
        return regions, boxes

    def caption(self, scene):
        things, place = scene
        (a, colour_a), (b, colour_b) = self.random.sample(things, 2)
        a, b = (THINGS[t] if THINGS[t] and self.random.random() < 0.3 else t for t in (a, b))
        return self.random.choice([
            f"A {colour_a} {a} and a {b} on the {place} .", f"There is a {a} near a {colour_b} {b} .",
            f"The {colour_a} {a} is next to a {colour_b} {b} .", f"A {a} and a {b} in the {place} .",
            f"Two things : a {a} and a {b} ."])


def main(folder, seed=1, learn=300, dev=200, background=100):
    world = World(seed)
    for sub in ("knowledge", "demo_precomp"):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    values, lines = [], ["image\tx1\ty1\tx2\ty2\tlabel"]
    for i in range(learn):
        scene = world.scene()
        regions, boxes = world.image(scene)
        things, place = scene
        labels = [(1, f"a {things[0][1]} {things[0][0]}"), (3, f"the {things[1][1]} {things[1][0]}"), (5, f"the {place}")]
        for region, label in labels:
            values += regions[region]
            lines.append("learn%04d.jpg\t%s\t%s" % (i, "\t".join(map(str, boxes[region])), label))
    write_npy(f"{folder}/knowledge/features.npy", (len(lines) - 1, DIM), values)
    open(f"{folder}/knowledge/regions.tsv", "w").write("\n".join(lines) + "\n")

    with open(f"{folder}/vectors.txt", "w") as f:
        for word, vector in world.vectors.items():
            f.write(word + " " + " ".join("%.5f" % v for v in vector) + "\n")

    def images(count):
        scenes, features, boxes = [], [], []
        for _ in range(count):
            scenes.append(world.scene())
            r, b = world.image(scenes[-1])
            features += [v for region in r for v in region]
            boxes += [v for box in b for v in box]
        return scenes, features, boxes

    scenes, features, boxes = images(dev)
    stem = f"{folder}/demo_precomp/dev"
    write_npy(stem + "_ims.npy", (dev, REGIONS, DIM), features)
    write_npy(stem + "_boxes.npy", (dev, REGIONS, 4), boxes)
    open(stem + "_ids.txt", "w").write("".join("%d\n" % i for i in range(dev)))
    open(stem + "_caps.txt", "w").write("".join(world.caption(s) + "\n" for s in scenes for _ in range(5)))

    _, features, _ = images(background)
    write_npy(f"{folder}/background_ims.npy", (background, REGIONS, DIM), features)
    open(f"{folder}/background_caps.txt", "w").write("".join(world.caption(world.scene()) + "\n" for _ in range(1000)))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: generate.py FOLDER [SEED]")
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 1)
