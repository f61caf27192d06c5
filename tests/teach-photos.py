#!/usr/bin/env python3
"""teach-photos.py MASK: `mask teach` and `mask learn` of a folder of folders, from photos to a search that finds them.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

mask = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp(prefix="mask-teach-photos-")
environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(work, "cache"), OMP_WAIT_POLICY="passive")
data = os.path.dirname(mask)


def write_photo(path, colours, seed):
    """A PNG of 64 x 48: tiles of these colours and noise."""
    rng = random.Random(seed)
    tiles = [[bytes(min(255, max(0, v + rng.randrange(-30, 30))) for v in rng.choice(colours)) for _ in range(8)]
             for _ in range(6)]
    rows = b"".join(b"\0" + b"".join(tiles[y // 8][x // 8] for x in range(64)) for y in range(48))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def run(*words):
    done = subprocess.run([mask, *words], env=environment, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"mask {' '.join(words)} failed: {done.stderr} (in {work})")
    return done.stdout


kinds = {"dog": [(200, 30, 30), (240, 200, 40)], "cat": [(20, 40, 200), (30, 200, 220)]}
for kind, colours in kinds.items():
    for i in range(8):
        write_photo(os.path.join(work, "photos", kind, f"{i}.png"), colours, kind + str(i))
taught = json.loads(run("teach", os.path.join(data, "starter.mask"), "my thing", *(f"photos/cat/{i}.png" for i in range(3)),
                        "-o", "my.mask", "--json"))
if taught["photos"] != 3 or taught["sharpened"]:
    sys.exit(f"taught {taught} (in {work})")
found = json.loads(run("search", "--photos", "photos", "--knowledge", "my.mask", "my thing", "-k", "8", "--json", "--quiet"))
if sorted(hit["id"] for hit in found) != [f"cat/{i}.png" for i in range(8)]:
    sys.exit(f"'my thing' found {[hit['id'] for hit in found]} (in {work})")
if [word["word"] for word in found[0]["words"]] != ["my_thing"]:
    sys.exit(f"'my thing' is read as {found[0]['words']} (in {work})")
learned = json.loads(run("learn", "photos", "--vectors", os.path.join(data, "starter.mvec"), "--whiten-dim", "8", "--encoder", "whiten",
                         "-o", "folders.mask", "--json"))
if (learned["words"], learned["regions"]) != (2, 16):
    sys.exit(f"learned {learned} from two folders of eight photos (in {work})")
bad = subprocess.run([mask, "teach", os.path.join(data, "starter.mask"), "my very own thing", "photos/cat/0.png", "-o", "no.mask"],
                     env=environment, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
if bad.returncode != 1 or "teach a name of one or two" not in bad.stderr or os.path.exists(os.path.join(work, "no.mask")):
    sys.exit(f"a name of four words: {bad.returncode} {bad.stderr} (in {work})")
shutil.rmtree(work)
print("taught and learned from photos, and found")
