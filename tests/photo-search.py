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


def write_photo(name, date=None):
    """A PNG of 64 x 48 coloured tiles."""
    rng = random.Random(name)
    tiles = [[bytes(rng.randrange(256) for _ in range(3)) for _ in range(8)] for _ in range(6)]
    rows = b"".join(b"\0" + b"".join(tiles[y // 8][x // 8] for x in range(64)) for y in range(48))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    exif = b"" if date is None else chunk(b"eXIf", b"MM\0*" + struct.pack(">IHHHIIi", 8, 1, 0x132, 2, 20, 26, 0) + date.encode() + b"\0")
    with open(os.path.join(photos, name), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) + exif +
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
                  for n in names if n.endswith((".regions", ".segment", ".mark")))


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


def run(*words, status=0):
    done = subprocess.run([mask, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != status:
        sys.exit(f"mask {' '.join(words)}: status {done.returncode}: {done.stderr} (in {work})")
    return done


if run("search", "nothing.gallery", "a dog", status=1).stderr.count("\n") != 1:
    sys.exit("a gallery that is not there needs one line")
again = run("search", "a dog", "-k3", "--paths")
if len(again.stdout.splitlines()) != 3 or "as last time" not in again.stderr:
    sys.exit(f"the folder of last time was not searched: {again}")
if run("search", "a dog", "-k2", "-0", "--quiet").stdout.count("\0") != 2:
    sys.exit("-0 ends each path with a zero byte")
moved = os.path.join(work, "moved")
os.rename(photos, moved)
photos = moved
renamed = run("search", "--photos", photos, "a dog", "-k", "50", "--json")
if ", 0 read" not in renamed.stderr.replace(": 0 read", ", 0 read"):
    sys.exit(f"a renamed folder was read again: {renamed.stderr}")
if sorted(hit["id"] for hit in json.loads(renamed.stdout)) != sorted(names):
    sys.exit(f"a renamed folder has other ids: {renamed.stdout}")
with open(os.path.join(photos, "film.mp4"), "wb"), open(os.path.join(photos, "cut.png"), "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n")
first, second = (run("search", "--photos", photos, "a dog").stderr for _ in range(2))
if "cut.png" not in first or "1 videos" not in first or "cut.png" in second or "1 photos cannot be read" not in second:
    sys.exit(f"a bad photo is to be named once: {first} {second}")
left = run("search", "--photos", photos, "a dog", "-k", "50", "--json", "--exclude", "more-*,0.png")
if len(json.loads(left.stdout)) != len([name for name in names if not name.startswith("more-")]):
    sys.exit(f"--exclude: {left.stdout}")
where = run("search", "--photos", photos, "a dog", "-k", "50", "--json", "--where", "file = '1.png' AND date IS NULL")
if [hit["id"] for hit in json.loads(where.stdout)] != ["1.png"]:
    sys.exit(f"file names are metadata: {where.stdout}")
like = json.loads(run("similar", "--photos", photos, os.path.join(photos, "2.png"), "-k", "1", "--json").stdout)
if like[0]["id"] != "2.png" or like[0]["score"] < 0.99:
    sys.exit(f"a photo is most like itself: {like}")
both = json.loads(run("search", "--photos", photos, "a dog", "--image", "2.png", "--image-weight", "100", "-k", "60", "--json").stdout)
if "2.png" in [hit["id"] for hit in both] or len(both) != len(names) - 1:
    sys.exit(f"a text and an image of the gallery: {both}")
both = json.loads(run("search", "--photos", photos, "--image", os.path.join(photos, "2.png"), "-k", "1", "--json").stdout)
if both[0]["id"] != "2.png":
    sys.exit(f"any photo as a query: {both}")
shutil.copy(os.path.join(photos, "2.png"), os.path.join(photos, "2-again.png"))
twins = run("search", "--photos", photos, "a dog", "-k", "60").stdout
if "is almost the same photo as" not in twins:
    sys.exit(f"a copy is the same photo: {twins}")
for name, date in ("old.png", "2001:02:03 04:05:06"), ("young.png", "2020:02:03 04:05:06"):
    write_photo(name, date)
dated = run("search", "--photos", photos, "--image", os.path.join(photos, "2.png"), "-k", "60", "--json", "--sort", "date")
dated = [hit["id"] for hit in json.loads(dated.stdout)]
if dated[:4] != ["young.png", "old.png", "2-again.png", "2.png"] or len(dated) < len(names):
    sys.exit(f"--sort date: {dated}")
listed = json.loads(run("cache", "list", "--json").stdout)
if len(listed) != 1 or listed[0]["folders"] != [os.path.realpath(photos)] or not listed[0]["photos"]:
    sys.exit(f"cache list: {listed}")
run("cache", "clear", photos)
if json.loads(run("cache", "list", "--json").stdout):
    sys.exit("cache clear left something")
shutil.rmtree(work)
print("photos found, added, removed and found again after kills")
