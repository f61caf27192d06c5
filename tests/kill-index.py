#!/usr/bin/env python3
"""kill-index.py MASK [SEED]: makes a gallery and changes it at random, by commands that are killed (SIGKILL) at random moments.

After each kill the gallery must hold what it held before, or, of an addition, that with a prefix of the added images; nothing
lost, nothing doubled. The same command again must complete the work, `mask index verify` must be content, and no file may be
left that the catalogue does not know: images at hand join the background from 25 on, and are chosen anew as they change.
"""
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

mask = os.path.abspath(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
KILLS, IDS, VERSIONS, DIM, REGIONS, WORDS, SEGMENT = 60, 80, 3, 16, 4, 8, 6

folder = tempfile.mkdtemp(prefix="mask-kill-index-")
os.chdir(folder)
rng = random.Random(seed)
environment = dict(os.environ, OMP_WAIT_POLICY="passive")


def write_npy(path, shape, values):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        f.write(struct.pack(f"<{len(values)}f", *values))


def write_images(name, images):
    """A set of (id, version); the same pair has the same features in every set."""
    values = []
    for image, version in images:
        own = random.Random(image * 100 + version)
        values += [own.random() for _ in range(REGIONS * DIM)]
    write_npy(name + "_ims.npy", (len(images), REGIONS, DIM), values)
    with open(name + "_ids.txt", "w") as f:
        f.writelines(f"i{image}\n" for image, _ in images)
    return name + "_ims.npy"


def start(*words):
    return subprocess.Popen([mask, *words, "--threads", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def run(*words):
    process = start(*words)
    out, err = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{' '.join(words)}\nexited with {process.returncode}: {err.decode()} (in {folder}, seed {seed})")
    return out.decode()


def contents(gallery):
    """{id: hash of its content} of the images alive."""
    with sqlite3.connect(os.path.join(gallery, "catalogue.sqlite")) as db:
        rows = db.execute("SELECT id, content FROM item").fetchall()
    db.close()
    if len(rows) != len(dict(rows)):
        sys.exit("an image stands twice")
    return dict(rows)


def check_files(gallery):
    with sqlite3.connect(os.path.join(gallery, "catalogue.sqlite")) as db:
        named = {f"{number:08}.segment" for number, in db.execute("SELECT number FROM segment")}
        own = [number for number, in db.execute("SELECT value FROM state WHERE name = 'own' AND value > 0")]
        named |= {f"{number:08}.{end}" for number in own for end in ("own", "scorer")}
    db.close()
    names = set(os.listdir(gallery))
    rest = names - named - {"catalogue.sqlite", "knowledge.mask", "scorer.mask", "lock"}
    if rest or named - names:
        sys.exit(f"files {rest} are left, {named - names} are missing (in {folder}, seed {seed})")


with open("v.txt", "w") as f:
    for w in range(WORDS):
        f.write("z" + chr(97 + w) * 2 + "".join(f" {rng.gauss(0, 1):.5f}" for _ in range(8)) + "\n")
os.mkdir("regions")
write_npy("regions/features.npy", (160, DIM), [rng.random() for _ in range(160 * DIM)])
with open("regions/regions.tsv", "w") as f:
    f.write("image\tx1\ty1\tx2\ty2\tlabel\n")
    f.writelines(f"{r // 4}\t0\t0\t9\t9\tz{chr(97 + r % WORDS) * 2}\n" for r in range(160))
run("vectors", "import", "v.txt", "-o", "v.mvec")
run("learn", "regions", "--vectors", "v.mvec", "--encoder", "none", "--tokens", "letters", "-o", "plain.mask")
with open("texts.txt", "w") as f:
    f.writelines(" ".join("z" + chr(97 + w) * 2 for w in rng.sample(range(WORDS), 2)) + "\n" for _ in range(20))
background = write_images("background", [(1000 + i, 0) for i in range(12)])
run("calibrate", "plain.mask", "--images", background, "--texts", "texts.txt", "-o", "k.mask")

# What each version of each image hashes to, from galleries that nobody disturbs.
content = {}
for version in range(VERSIONS):
    name = write_images(f"all{version}", [(i, version) for i in range(IDS)])
    run("index", "k.mask", name, "-o", f"all{version}.gallery")
    content.update({(int(i[1:]), version): c for i, c in contents(f"all{version}.gallery").items()})

model = {}
kills, untouched, partly, spans = 0, 0, 0, {}
sets = 0
began = time.time()
while kills < KILLS or (partly == 0 and kills < 10 * KILLS):  # fast machines need more tries to cut an addition in two
    what = "create" if not os.path.exists("g.gallery") else rng.choice(["add", "add", "remove", "compact"])
    added, removed = [], []
    if what in ("create", "add"):
        added = [(i, rng.randrange(VERSIONS)) for i in rng.sample(range(IDS), rng.randint(1, 40))]
        name = write_images(f"set{sets}", added)
        sets += 1
        command = ["index", "k.mask", name, "-o", "g.gallery", "--segment-images", str(SEGMENT)]
        if what == "add":
            command = ["index", "add", "g.gallery", name]
    elif what == "remove":
        removed = rng.sample(range(IDS), rng.randint(1, 30))
        command = ["index", "remove", "g.gallery"] + [f"i{i}" for i in removed]
    else:
        command = ["index", "compact", "g.gallery"]
    after = dict(model)
    after.update(dict(added))
    for i in removed:
        after.pop(i, None)

    # Killed once or twice, then let be.
    prefix = dict(model)
    states = [dict(prefix)]
    for image, version in added:
        prefix[image] = version
        states.append(dict(prefix))
    states.append(after)
    allowed = [{f"i{i}": content[i, v] for i, v in s.items()} for s in states]
    for _ in range(rng.randint(1, 2)):
        process = start(*command)
        time.sleep(rng.uniform(0, 1.2 * spans.get(what, 0.5)))
        process.kill()
        process.communicate()
        if process.returncode == 0:
            continue
        kills += 1
        if not os.path.exists("g.gallery/catalogue.sqlite"):
            continue
        if rng.random() < 0.5:
            run("info", "g.gallery")
        now = contents("g.gallery")
        if now not in allowed:
            sys.exit(f"{' '.join(command)} was killed and left what never was (in {folder}, seed {seed})")
        untouched += now == allowed[0]
        partly += now not in (allowed[0], allowed[-1])
        allowed = allowed[allowed.index(now):]
    t = time.time()
    run(*command)
    spans[what] = (spans.get(what, time.time() - t) + time.time() - t) / 2
    model = after
    if contents("g.gallery") != {f"i{i}": content[i, v] for i, v in model.items()}:
        sys.exit(f"{' '.join(command)} did not complete (in {folder}, seed {seed})")
    run("index", "verify", "g.gallery")
    check_files("g.gallery")
    if rng.random() < 0.1:
        shutil.rmtree("g.gallery")
        model = {}
if partly == 0:
    sys.exit("no addition was ever cut in two: the case is too small for this machine")
shutil.rmtree(folder)
print(f"{kills} kills, {untouched} before any change, {partly} within an addition; {sets} sets added: nothing lost, nothing "
      f"doubled ({time.time() - began:.0f} s)")
