#!/usr/bin/python3
"""Photos to learn a starter knowledge from: cut-outs with transparent surroundings, the stamps of Debian's
tuxpaint-stamps-default and the costumes of its scratch, pasted on made-up backgrounds and on scratch's photos of places.

    compose.py STAMPS SCRATCH-MEDIA WORDNET OUT [--views 6] [--seed 1]

Writes OUT/photos/NNNNN.jpg, OUT/regions.tsv (image x1 y1 x2 y2 label; the boxes of the stamps, for `mask extract
--boxes`). A stamp's label is the description's words, or, where that
is a sentence, the file's name, and the words of the folders above (birds, animals). Letters, coins and signs are left
out: they are no pictures of things. A costume's or place's label is its file's name; people's, which are given names, are in
names.tsv. To each come the things it is a kind of (kinds.py): a lorikeet is a parrot and a bird.
"""
import argparse
import os
import random
import re

import numpy
from PIL import Image, ImageFilter

from kinds import Kinds

SKIP_FOLDERS = {"symbols", "roadsigns", "flags", "ammunition", "body_parts"}
DUMB_FOLDERS = {"cartoon", "seasonal", "naturalforces", "household", "hobbies", "town", "masstransit", "toys", "race",
                "newyears", "hanukkah", "auto", "flight", "plastic", "aquatic", "arttools", "medical", "military",
                "emergency", "construction", "cycle", "space", "string", "wind", "brass", "percussion", "sports"}
LONG = 5  # words; a longer description is a sentence about the thing, not its name


def words(text):
    return re.findall(r"[a-z]+", text.lower().replace("’", "'").replace("'s", ""))


def english(path):
    with open(path, encoding="utf8", errors="replace") as file:
        return file.readline().strip()


def label_of(png, stamps, kinds):
    folders = [f for f in os.path.relpath(os.path.dirname(png), stamps).split(os.sep) if f not in DUMB_FOLDERS]
    top = os.path.relpath(png, stamps).split(os.sep)[0]
    first = re.split(r"[.!(—]", english(png[:-4] + ".txt"))[0]
    name = words(first)
    if len(name) > LONG or not name:
        name = [w for w in words(os.path.basename(png)[:-4].replace("_", " ")) if len(w) > 2]
    return " ".join(dict.fromkeys(name + folders + kinds.of(" ".join(name), top)))


def list_stamps(stamps):
    found = []
    for folder, names, files in os.walk(stamps):
        names[:] = sorted(n for n in names if n not in SKIP_FOLDERS)
        for file in sorted(files):
            path = os.path.join(folder, file)
            if file.endswith(".png") and os.path.exists(path[:-4] + ".txt"):
                found.append(path)
    return found


COSTUMES = {"Animals": "animal", "People": "person", "Transportation": "vehicle", "Things": "", "Fantasy": ""}
PLACES = {"Indoors": "indoors room", "Nature": "outdoors", "Outdoors": "outdoors", "Sports": "outdoors field"}
SKIP_NAMES = ("fantasy", "hair", "scoreboard", "cheesy", "button", "marble-building", "xy-grid", "moon", "stars")


def pictures(folder):
    for name in sorted(os.listdir(folder)):
        if name.endswith((".gif", ".png", ".jpg")) and not name.startswith(SKIP_NAMES):
            yield os.path.join(folder, name), words(re.sub("[0-9_]", " ", name[:-4]))


def list_costumes(media, kinds):
    """(file, label) of the costumes."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "names.tsv"), encoding="utf8") as file:
        names = dict(line.rstrip("\n").split("\t") for line in file)
    for folder, kind in COSTUMES.items():
        for path, name in pictures(os.path.join(media, "Costumes", folder)):
            label = names.get(name[0], " ".join(w for w in name if len(w) > 2)) if folder == "People" else " ".join(
                w for w in name if len(w) > 2)
            yield path, " ".join(dict.fromkeys(label.split() + kind.split() + kinds.of(label, folder)))


def list_places(media):
    for folder, kind in PLACES.items():
        for path, name in pictures(os.path.join(media, "Backgrounds", folder)):
            yield path, " ".join([w for w in name if len(w) > 2] + [kind])


def place(path, rng, width, height):
    """A part of a photo of a place, filling the canvas."""
    image = Image.open(path).convert("RGB")
    share = rng.uniform(0.6, 1)
    w, h = round(image.width * share), round(image.height * share)
    x, y = rng.randint(0, image.width - w), rng.randint(0, image.height - h)
    image = image.crop((x, y, x + w, y + h)).resize((width, height), Image.LANCZOS)
    return image.transpose(Image.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image


def background(random_numbers, width, height):
    """Smooth noise over two colours, as meadows, skies and walls are from afar; never twice the same."""
    low, high = random_numbers.integers(0, 256, (2, 3))
    image = numpy.zeros((height, width, 3), numpy.float32)
    for cells in (2, 5, 16, 60):
        noise = Image.fromarray(random_numbers.integers(0, 256, (cells, cells)).astype(numpy.uint8))
        field = numpy.asarray(noise.resize((width, height), Image.BICUBIC), numpy.float32)[..., None] / 255
        image += field * (1 / cells ** 0.5)
    image = (image - image.min()) / (image.max() - image.min() + 1e-6)
    return Image.fromarray((low + (high.astype(int) - low) * image).clip(0, 255).astype(numpy.uint8))


def paste(canvas, stamp, rng):
    """Puts the stamp somewhere; its box."""
    width, height = canvas.size
    share = rng.uniform(0.25, 0.8)
    scale = min(width * share / stamp.width, height * share / stamp.height)
    size = max(8, round(stamp.width * scale)), max(8, round(stamp.height * scale))
    piece = stamp.resize(size, Image.LANCZOS).rotate(rng.uniform(-8, 8), Image.BICUBIC, expand=True)
    if rng.random() < 0.5:
        piece = piece.transpose(Image.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:
        piece = piece.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    piece = piece.crop(piece.getchannel("A").getbbox() or (0, 0) + piece.size)
    if piece.width > width or piece.height > height:
        piece.thumbnail((width, height))
    x, y = rng.randint(0, width - piece.width), rng.randint(0, height - piece.height)
    canvas.paste(piece, (x, y), piece)
    return x, y, x + piece.width, y + piece.height


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stamps")
    parser.add_argument("media")
    parser.add_argument("wordnet")
    parser.add_argument("out")
    parser.add_argument("--views", type=int, default=6, help="pictures a stamp is seen in")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, numbers = random.Random(options.seed), numpy.random.default_rng(options.seed)
    stamps = list_stamps(options.stamps)
    kinds = Kinds(options.wordnet)
    things = [(png, label_of(png, options.stamps, kinds)) for png in stamps]
    things += list_costumes(options.media, kinds)
    places = list(list_places(options.media))
    os.makedirs(os.path.join(options.out, "photos"), exist_ok=True)
    queue = [thing for thing in things for _ in range(options.views * (2 if "person" in thing[1].split() else 1))]
    rng.shuffle(queue)
    count = 0
    with open(os.path.join(options.out, "regions.tsv"), "w", encoding="utf8") as table:
        table.write("image\tx1\ty1\tx2\ty2\tlabel\n")
        while queue:
            size = rng.choice([(640, 480), (480, 640), (600, 600)])
            name = f"{count:05d}.jpg"
            if rng.random() < 0.6:
                path, label = rng.choice(places)
                canvas = place(path, rng, *size)
                table.write(f"{name}\t0\t0\t{size[0]}\t{size[1]}\t{label}\n")
            else:
                canvas = background(numbers, *size)
            for _ in range(rng.choice([0, 1, 1, 2, 3])):
                if not queue:
                    break
                path, label = queue.pop()
                box = paste(canvas, Image.open(path).convert("RGBA"), rng)
                table.write("\t".join([name, *map(str, box), label]) + "\n")
            canvas.save(os.path.join(options.out, "photos", name), quality=rng.randint(70, 95))
            count += 1
    print(f"{options.out}: {len(things)} things and {len(places)} places in {count} pictures")


main()
