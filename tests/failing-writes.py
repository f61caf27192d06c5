#!/usr/bin/env python3
"""failing-writes.py MASK FAILING-WRITES.so [--all] [COMMAND...]: every command that writes, with its writes failing in turn: the
disk is full, reports an error, interrupts, takes half, or the process is killed before a write or within it.

Interrupted and halved writes must go unnoticed. After a failure the old outputs are there and the message is one line; after a
kill each output is the old one or the new one, a gallery holds nothing that it neither held nor was to hold, and lost nothing.
Then the same command, left alone, must give what it gives undisturbed. Without --all five places of each command are tried,
and a disk that is full from a sync on (it fails, though what it was to sync is written).
"""
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
mask, library = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
wanted = [word for word in sys.argv[3:] if word != "--all"]
PLACES = 10**9 if "--all" in sys.argv else 5
MODES = {"full": 1, "error": 1, "eintr": 0, "short": 0, "kill": -9, "torn": -9}
TEMPORARY = re.compile(r"\.tmp-|\.npz\.[0-9a-z]{6}$")  # the latter is libzip's
FIXTURES = os.path.join(HERE, "fixtures", "0.1")
COMMANDS = {  # what it writes may be there already, as another
    "import": "vectors import new.txt -o v.mvec",
    "learn": "learn knowledge --vectors words.mvec --encoder whiten --whiten-dim 8 --min-count 2 -o white.mask",
    "calibrate": "calibrate plain.mask --images background_ims.npy --texts texts.txt -o k.mask",
    "encode": "encode plain.mask demo_precomp/dev_ims.npy -o mu.npy",
    "convert": "convert demo_precomp/dev_ims.npy -o converted",
    "convert-npy": "convert demo_precomp/dev_ims.npy -o c_ims.npy --half",
    "encoder": "encoder import network.data -o e.menc",
    "extract": "extract photos -o p.regions --encoder small.menc --regions 5",
    "index": "index known.mask first_ims.npy --segment-images 12 -o new.gallery",
    "add": "index add g.gallery more_ims.npy",
    "remove": "index remove g.gallery 1 4",
    "metadata": "index metadata g.gallery table.tsv",
    "compact": "index compact g.gallery",
    "annotate": "annotate g.gallery --texts texts.txt",
    "search": "search g.gallery dog --html page.html",
}


def run(words, cwd, how="", at=0, counts=None):
    environment = dict(os.environ, OMP_WAIT_POLICY="passive", OMP_NUM_THREADS="1")
    if counts:
        environment.update(LD_PRELOAD=library, MASK_FAIL_HOW=how, MASK_FAIL_AT=str(at), MASK_FAIL_COUNT=counts)
    return subprocess.run([mask, *words.split(), "--threads", "1", "--quiet"], cwd=cwd, env=environment, capture_output=True, text=True,
                          timeout=60)


def good(words, cwd, after=""):
    done = run(words, cwd)
    if done.returncode != 0:
        sys.exit(f"{after}{words}: {done.stderr} (in {cwd})")


def rows(path, query):
    with sqlite3.connect(path) as db:
        found = db.execute(query).fetchall()
    db.close()
    return found


def state(folder):
    """What the outputs hold: bytes of files, and of galleries and region stores what they say."""
    found = {}
    for at, folders, names in os.walk(folder):
        if at.endswith(".gallery"):
            folders.clear()
            catalogue = os.path.join(at, "catalogue.sqlite")
            if os.path.exists(catalogue):
                for row in rows(catalogue, "SELECT content, i.* FROM item JOIN image i USING (id) ORDER BY id"):
                    found[os.path.relpath(at, folder), row[2]] = row[:1] + row[3:]  # without its place
            continue
        for name in names:
            path = os.path.join(at, name)
            if name.endswith(".regions"):
                if rows(path, "SELECT 1 FROM sqlite_master WHERE name = 'photos'"):  # else it was killed while it made the file
                    for row in rows(path, "SELECT id, hash, width, height, boxes, labels, scores, features FROM photos"):
                        found[name, row[0]] = row[1:]
            elif name.endswith(".html"):  # it tells how long the search took
                with open(path) as file:
                    found[name] = file.read()[-8:]
            elif not name.endswith((".regions-journal", ".counts")):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def prepare(folder):
    sys.path.insert(0, os.path.join(HERE, "..", "demo"))
    import generate
    generate.DIM, generate.VECTOR_DIM, generate.REGIONS = 24, 12, 6
    generate.main(folder, 1, learn=120, dev=42, background=20)
    tools = os.path.join(HERE, "cli", "tools")
    join = lambda name: os.path.join(folder, name)
    with open(join("background_caps.txt")) as captions, open(join("texts.txt"), "w") as texts:
        texts.writelines(captions.readlines()[:40])
    with open(join("vectors.txt")) as old, open(join("new.txt"), "w") as new:
        new.writelines(old.readlines()[:-2])
    with open(join("table.tsv"), "w") as table:
        table.write("id\tyear\tplace\n" + "".join(f"{i}\t{2000 + i}\tsea\n" for i in range(6)))
    with open(join("demo_precomp/dev_ims.npy"), "rb") as file:
        file.seek(8)
        start = 10 + int.from_bytes(file.read(2), "little")
        file.seek(start)
        images = [file.read(6 * 24 * 4) for _ in range(42)]
    # From 25 images on some join the background. The first of `more` replaces image 5.
    for name, which, ids in (("first", range(27), range(27)), ("more", range(26, 42), [5, *range(27, 42)])):
        generate.write_npy(join(name + "_ims.npy"), (len(which), 6, 24), memoryview(b"".join(images[i] for i in which)).cast("f"))
        with open(join(name + "_ids.txt"), "w") as file:
            file.writelines(f"{i}\n" for i in ids)
    os.mkdir(join("photos"))
    for name in ("sea.png", "tiles.png"):
        shutil.copy(os.path.join(FIXTURES, "photos", name), join("photos"))
    shutil.copy(os.path.join(FIXTURES, "e.menc"), join("small.menc"))
    with open(join("network.data"), "wb") as file:
        file.write(subprocess.run([os.path.join(tools, "make-tflite"), "detector"], check=True, capture_output=True).stdout)
    good("vectors import vectors.txt -o words.mvec", folder)
    good("vectors import vectors.txt -o v.mvec", folder)
    good("learn knowledge --vectors words.mvec --encoder none --min-count 2 -o plain.mask", folder)
    good("calibrate plain.mask --images demo_precomp/dev_ims.npy --texts texts.txt -o known.mask", folder)
    for old in ("white.mask", "k.mask"):
        shutil.copy(join("plain.mask"), join(old))
    for old in ("mu.npy", "page.html", "e.menc"):
        with open(join(old), "w") as file:
            file.write("old")
    good("index known.mask first_ims.npy --segment-images 12 -o g.gallery", folder)


def check_gallery(old, new, now, what):
    """Each image is as it was or as it was to be, and where it was and was to be it is."""
    for key in set(old) | set(new) | set(now):
        if isinstance(key, tuple) and key[0] != "new.gallery" or key in now:
            if now.get(key) not in (old.get(key), new.get(key)):
                sys.exit(f"{what}: {key} is {now.get(key)}, neither {old.get(key)} nor {new.get(key)}")


def check_files(gallery, what):
    """Files are those that the catalogue knows."""
    catalogue = os.path.join(gallery, "catalogue.sqlite")
    named = {f"{number:08}.segment" for number, in rows(catalogue, "SELECT number FROM segment")}
    own = rows(catalogue, "SELECT value FROM state WHERE name = 'own' AND value > 0")
    named |= {f"{number:08}.{end}" for number, in own for end in ("own", "scorer")}
    rest = set(os.listdir(gallery)) ^ (named | {"catalogue.sqlite", "knowledge.mask", "lock"})
    if [name for name in rest if name != "scorer.mask" and not name.endswith(".texts")]:
        sys.exit(f"{what}: files {rest} are left or missing")


def check(name, how, at, start, old, new, counts):
    what = f"{name}, {how} at {at}"
    with tempfile.TemporaryDirectory(prefix="mask-failing-") as top:
        folder = os.path.join(top, "w")
        shutil.copytree(start, folder)
        done = run(COMMANDS[name], folder, how, at, counts)
        now = state(folder)
        left = {key for key in now if isinstance(key, str) and TEMPORARY.search(key)}
        if MODES[how] == 0 or done.returncode == 0:
            if done.returncode != 0:
                sys.exit(f"{what}: exit {done.returncode}: {done.stderr}")
            if now != new:
                sys.exit(f"{what}: it said nothing, and gave another result: {set(now.items()) ^ set(new.items())}")
        else:
            if done.returncode != MODES[how]:
                sys.exit(f"{what}: exit {done.returncode}, not {MODES[how]}: {done.stderr}")
            if MODES[how] == 1 and (left or not done.stderr.startswith("mask: ") or done.stderr.count("\n") != 1):
                sys.exit(f"{what}: left {left}, said {done.stderr!r}")
            for key in left:
                del now[key]
                os.unlink(os.path.join(folder, key))
            check_gallery(old, new, now, what)
        if done.returncode == 0:
            return
        good(COMMANDS[name], folder, what + ", then ")
        again = state(folder)
        if again != new:
            sys.exit(f"{what}, then again: {set(again.items()) ^ set(new.items())}")
        if name == "annotate":
            good("index compact g.gallery", folder, what + ", then ")  # a change removes what was left of keeping the texts
        for gallery in ("g.gallery", "new.gallery"):
            if MODES[how] and os.path.exists(os.path.join(folder, gallery, "catalogue.sqlite")):
                good(f"index verify {gallery}", folder, what + ", then ")
                check_files(os.path.join(folder, gallery), what)


def main():
    began, tried = time.time(), 0
    with tempfile.TemporaryDirectory(prefix="mask-failing-") as top:
        start, undisturbed, counts = (os.path.join(top, name) for name in ("start", "undisturbed", "counts"))
        os.mkdir(start)
        prepare(start)
        for name in wanted or COMMANDS:
            shutil.copytree(start, undisturbed)
            open(counts, "w").close()
            done = run(COMMANDS[name], undisturbed, "", 0, counts)
            if done.returncode != 0:
                sys.exit(f"{name}: {done.stderr}")
            with open(counts) as file:
                total, *syncs = map(int, file.read().splitlines()[-1].split())
            old, new = state(start), state(undisturbed)
            shutil.rmtree(undisturbed)
            places = sorted({1 + i * (total - 1) // max(1, min(total, PLACES) - 1) for i in range(min(total, PLACES))})
            for how in MODES:
                for at in sorted({*places, *syncs}) if how == "full" else places:
                    check(name, how, at, start, old, new, counts)
                    tried += 1
            print(f"{name}: {total} calls, {len(places)} of them in {len(MODES)} ways", flush=True)
    print(f"{tried} failures: nothing half, nothing lost ({time.time() - began:.0f} s)")


main()
