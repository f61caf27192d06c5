#!/usr/bin/env python3
"""photo-search.py MASK: `mask search --photos` from files to results, and what it does when the folder changes.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

mask = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp(prefix="mask-photo-search-")
photos, cache = os.path.join(work, "photos"), os.path.join(work, "cache")
os.mkdir(photos)
environment = dict(os.environ, XDG_CACHE_HOME=cache, OMP_WAIT_POLICY="passive")


def write_photo(name):
    """A PNG of 64 x 48 coloured tiles."""
    rng = random.Random(name)
    tiles = [[bytes(rng.randrange(256) for _ in range(3)) for _ in range(8)] for _ in range(6)]
    rows = b"".join(b"\0" + b"".join(tiles[y // 8][x // 8] for x in range(64)) for y in range(48))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(os.path.join(photos, name), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def command(*more):
    return [mask, "search", "--photos", photos, "a dog and a flower", "-k", "50", "--json", "--quiet", *more]


def found():
    done = subprocess.run(command(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("search --photos failed: " + done.stderr)
    return sorted(hit["id"] for hit in json.loads(done.stdout))


def expect(what, ids):
    got = found()
    if got != sorted(ids):
        sys.exit(f"{what}: found {got}, not {sorted(ids)} (in {work})")


def kept():
    """What is in the cache and when it was written."""
    return sorted((os.path.join(f, n), os.stat(os.path.join(f, n)).st_mtime_ns) for f, _, names in os.walk(cache)
                  for n in names if n.endswith((".regions", ".segment")))


names = [f"{i}.png" for i in range(4)]
for name in names:
    write_photo(name)
expect("at first", names)
before = kept()
expect("again", names)
if not before or kept() != before:
    sys.exit("a second search wrote to regions or segments")
write_photo("new.png")
expect("with a new photo", names + ["new.png"])
os.remove(os.path.join(photos, "0.png"))
expect("without a photo", names[1:] + ["new.png"])
names = names[1:] + ["new.png"] + [f"more-{i}.png" for i in range(30)]
for name in names[4:]:
    write_photo(name)
for delay in (0.05, 0.3, 0.6):
    process = subprocess.Popen(command(), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    process.kill()
    process.wait()
expect("after kills", names)
shutil.rmtree(work)
print("photos found, added, removed and found again after kills")
