#!/usr/bin/env python3
"""kill-extract.py MASK [SEED]: extracts made-up photos undisturbed, then again while it is killed at random moments, by SIGKILL and
SIGTERM, and run again. The store must come out the same, row for row and byte for byte.
"""
import json
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import zlib

mask = os.path.abspath(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
encoder = os.path.join(os.path.dirname(mask), "default.menc")
KILLS, PHOTOS, SIDE = 8, 100, 64

folder = tempfile.TemporaryDirectory(prefix="mask-kill-")
os.chdir(folder.name)
rng = random.Random(seed)


def png(path):
    """Bars of random colours."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b""
    for y in range(SIDE):
        if y % 8 == 0:
            bar = b"".join(rng.randbytes(3) * 8 for _ in range(SIDE // 8))
        rows += b"\0" + bar
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


os.mkdir("photos")
for i in range(PHOTOS):
    png(f"photos/{i:03}.png")
with open("photos/050-cut.png", "wb") as f:
    f.write(open("photos/049.png", "rb").read()[:200])


def extract(out):
    return subprocess.Popen([mask, "extract", "photos", "-o", out, "--encoder", encoder, "--threads", "2", "--json", "--quiet"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, OMP_WAIT_POLICY="passive"))


def finish(process):
    out, err = process.communicate()
    if process.returncode != 0:
        sys.exit(f"exited with {process.returncode}: {err.decode()}")
    return json.loads(out)


def rows(store):
    db = sqlite3.connect(store)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("meta", "labels", "photos")]


began = time.time()
report = finish(extract("alone.regions"))
alone = time.time() - began
if (report["good"], report["bad"], report["extracted"]) != (PHOTOS, 1, PHOTOS):
    sys.exit(f"undisturbed: {report}")

kills = {signal.SIGKILL: 0, signal.SIGTERM: 0}
continued = finished = 0
while True:
    process = extract("killed.regions")
    if sum(kills.values()) < KILLS:
        number = rng.choice(list(kills))
        time.sleep(rng.uniform(0.05, 0.05 + alone))
        if process.poll() is None:
            process.send_signal(number)
            out, err = process.communicate()
            if process.returncode != 0:
                # -SIGTERM: before the program had begun to listen to signals
                if process.returncode not in (-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM):
                    sys.exit(f"exited with {process.returncode}: {err.decode()}")
                if process.returncode > 0 and b"stopped" not in err:
                    sys.exit(f"was stopped, but said: {err.decode()}")
                kills[number] += 1
                continue
            report = json.loads(out)
        else:
            report = finish(process)
    else:
        report = finish(process)
    finished += 1
    continued += report["unchanged"] > 0
    if rows("killed.regions") != rows("alone.regions"):
        sys.exit(f"after {kills} the store differs (in {os.getcwd()}, seed {seed})")
    if os.path.exists("killed.regions-journal"):
        sys.exit("a journal was left behind")
    if sum(kills.values()) >= KILLS:
        break
    os.remove("killed.regions")
if continued == 0:
    sys.exit("no store was ever continued: the case is too small for this machine")
print(f"{kills[signal.SIGKILL]} SIGKILL, {kills[signal.SIGTERM]} SIGTERM, {continued} of {finished} times continued: the same store "
      f"({alone:.1f} s alone, {time.time() - began:.1f} s in all)")
