#!/usr/bin/env python3
"""kill-train.py MASK [SEED]: trains a tiny case undisturbed, then again while it is killed at 20 random moments, by SIGKILL
and SIGTERM, each time continued with --resume. The knowledge must come out bit for bit the same.
"""
import filecmp
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

mask = os.path.abspath(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
KILLS, IMAGES, DIM, WORDS, VECTOR = 20, 300, 24, 12, 10

folder = tempfile.TemporaryDirectory(prefix="mask-kill-")
os.chdir(folder.name)
rng = random.Random(seed)
names = ["z" + chr(97 + i) * 2 for i in range(WORDS)]
with open("v.txt", "w") as f:
    for name in names:
        f.write(name + "".join(f" {rng.gauss(0, 1):.5f}" for _ in range(VECTOR)) + "\n")
os.mkdir("regions")
rows = []
with open("regions/regions.tsv", "w") as f:
    f.write("image\tx1\ty1\tx2\ty2\tlabel\n")
    for image in range(IMAGES):
        for _ in range(rng.randint(1, 7)):
            word = rng.randrange(WORDS)
            rows.append([max(0.0, rng.gauss(0.2 + (d % WORDS == word), 0.5)) for d in range(DIM)])
            f.write(f"{image}\t0\t0\t9\t9\t{names[word]}\n")
with open("regions/features.npy", "wb") as f:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {DIM}), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    for row in rows:
        f.write(struct.pack(f"<{DIM}f", *row))

subprocess.run([mask, "vectors", "import", "v.txt", "-o", "v.mvec", "--quiet"], check=True, stdout=subprocess.DEVNULL)
command = [mask, "learn", "regions", "--vectors", "v.mvec", "--encoder", "mask", "--tokens", "letters", "--threads", "2",
           "--seed", str(seed), "--dim", "16", "--batch", "32", "--epochs", "60", "--checkpoint-minutes", "0.0004",
           "--metrics", "m.jsonl", "-o", "k.mask"]
environment = dict(os.environ, OMP_WAIT_POLICY="passive")


def finish(process):
    if process.wait() != 0:
        sys.exit(f"{' '.join(process.args)}\nexited with {process.returncode}: {process.stderr.read().decode()}")


def learn(*extra):
    return subprocess.Popen(command + list(extra), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


began = time.time()
finish(learn())
alone = time.time() - began
os.rename("k.mask", "undisturbed.mask")
metrics = len(open("m.jsonl").readlines())

kills = {signal.SIGKILL: 0, signal.SIGTERM: 0}
resumed = finished = 0
while True:
    if sum(kills.values()) >= KILLS:
        finish(learn("--resume"))
    else:
        process = learn("--resume")
        time.sleep(rng.uniform(0.02, 0.02 + alone / 8))
        number = rng.choice(list(kills))
        if process.poll() is None:
            process.send_signal(number)
            process.wait()
        if process.returncode != 0:
            if process.returncode not in (-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM):
                sys.exit(f"exited with {process.returncode}: {process.stderr.read().decode()}")
            message = process.stderr.read().decode()
            if process.returncode > 0 and "stopped" not in message:
                sys.exit(f"was stopped, but said: {message}")
            kills[number] += 1
            resumed += os.path.exists("k.mask.ckpt")
            continue
    finished += 1
    if os.path.exists("k.mask.ckpt"):
        sys.exit("the checkpoint was left behind")
    if not filecmp.cmp("k.mask", "undisturbed.mask", shallow=False):
        sys.exit(f"after {kills} the knowledge differs (in {os.getcwd()}, seed {seed})")
    if len(open("m.jsonl").readlines()) != metrics:
        sys.exit("the metrics have lines too many or too few")
    if sum(kills.values()) >= KILLS:
        break
    os.remove("k.mask")
if resumed == 0:
    sys.exit("no checkpoint was ever continued: the case is too small for this machine")
print(f"{kills[signal.SIGKILL]} SIGKILL, {kills[signal.SIGTERM]} SIGTERM, {resumed} times with a checkpoint to continue from, "
      f"{finished} times finished: the same bits ({alone:.1f} s alone, {time.time() - began:.1f} s in all)")
