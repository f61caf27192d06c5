#!/usr/bin/env python3
"""mpi.py MASK MASK-MPI MPIRUN: a job of 2 and 3 processes must learn, evaluate and index what one process does: galleries the
same to the byte, scores within 1e-4 (sums have another order). A process that is killed ends the job, with a message, and
the same command again completes the work.
"""
import glob
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../demo"))
sys.dont_write_bytecode = True
from generate import write_npy

mask, mask_mpi, mpirun = (os.path.abspath(a) if os.sep in a else a for a in sys.argv[1:4])
DIM, WORDS, IMAGES, REGIONS, LABELLED = 16, 12, 1500, 4, 3000
work = tempfile.TemporaryDirectory(prefix="mask-mpi-")
os.chdir(work.name)
rng = random.Random(1)
environment = dict(os.environ, OMP_WAIT_POLICY="passive", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_btl_base_warn_component_unused="0")
looks = [[rng.gauss(0, 1) for _ in range(DIM)] for _ in range(WORDS)]
names = ["dog", "cat", "tree", "house", "boat", "car", "ball", "kite", "horse", "bird", "train", "bench"]


def job(ranks, *words):
    return [mpirun, "--oversubscribe", "--bind-to", "none", "-n", str(ranks), mask_mpi, *words, "--threads", "1"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nexited with {done.returncode}: {done.stderr}")
    return done.stdout


def region(word):
    return [max(0, x + rng.gauss(0, 0.5)) for x in looks[word]]


def read_scores(path):
    data = open(path, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack(f"<{(len(data) - start) // 4}f", data[start:])


os.mkdir("labelled")
with open("labelled/regions.tsv", "w") as table:  # more than two blocks of 4,096 regions
    table.write("image\tx1\ty1\tx2\ty2\tlabel\n")
    rows = []
    for image in range(LABELLED):
        for word in rng.sample(range(WORDS), 3):
            rows += region(word)
            table.write(f"{image}\t0\t0\t{10 + word}\t20\t{names[word]}\n")
write_npy("labelled/features.npy", (LABELLED * 3, DIM), rows)
with open("vectors.txt", "w") as f:
    f.writelines(name + "".join(f" {rng.gauss(0, 1):.4f}" for _ in range(8)) + "\n" for name in names)
run(mask, "vectors", "import", "vectors.txt", "-o", "v.mvec")
os.mkdir("data")
shown = [rng.sample(range(WORDS), REGIONS) for _ in range(IMAGES)]
write_npy("data/dev_ims.npy", (IMAGES, REGIONS, DIM), [x for words in shown for word in words for x in region(word)])
with open("data/dev_caps.txt", "w") as f:
    f.writelines(" ".join(names[w] for w in rng.sample(words, 2)) + "\n" for words in shown for _ in range(5))
write_npy("back_ims.npy", (60, REGIONS, DIM), [x for _ in range(60 * REGIONS) for x in region(rng.randrange(WORDS))])
with open("back.txt", "w") as f:
    f.writelines(" ".join(rng.sample(names, 2)) + "\n" for _ in range(200))


def check_learning(ranks):
    learned, calibrated, scores = f"{ranks}.mask", f"{ranks}c.mask", f"{ranks}.npy"
    words = ["learn", "labelled", "--vectors", "v.mvec", "--encoder", "whiten", "-o", learned]
    run(*job(ranks, *words)) if ranks > 1 else run(mask, *words, "--threads", "1")
    run(mask, "calibrate", learned, "--images", "back_ims.npy", "--texts", "back.txt", "-o", calibrated)
    run(mask, "eval", calibrated, "data", "--split", "dev", "--save-sims", scores)
    off = max(abs(a - b) for a, b in zip(read_scores(scores), read_scores("1.npy")))
    assert off < 1e-4, f"{ranks} processes: scores {off} off"
    if ranks > 1:
        printed = run(*job(ranks, "eval", "1c.mask", "data", "--split", "dev", "--save-sims", "team.npy"))
        assert printed.count("image to text") <= 2, printed  # one process prints
        off = max(abs(a - b) for a, b in zip(read_scores("team.npy"), read_scores("1.npy")))
        assert off < 1e-5, f"{ranks} processes: scores of eval {off} off"


def index(gallery):
    return ["index", "1c.mask", "data", "--split", "dev", "-o", gallery, "--segment-images", "100", "--own", "off"]


def check_same_segments(gallery):
    for path in sorted(glob.glob("one.gallery/*.segment")):
        other = os.path.join(gallery, os.path.basename(path))
        assert open(path, "rb").read() == open(other, "rb").read(), f"{other} is not as one process writes it"
    assert len(glob.glob(gallery + "/*.segment")) == IMAGES // 100
    run(mask, "index", "verify", gallery)


def children(pid):
    return [int(p) for p in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def check_killed():
    """One process dies once segments are there."""
    process = subprocess.Popen(job(3, *index("killed.gallery")), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and len(glob.glob("killed.gallery/*.segment")) < 3:
        time.sleep(0.005)
    for pid in children(process.pid)[-1:] if process.poll() is None else []:
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    if process.returncode == 0:
        print("the job was faster than the kill")
    else:
        assert "signal 9" in said, said
    run(*job(3, *index("killed.gallery")))
    check_same_segments("killed.gallery")


for ranks in (1, 2, 3):
    check_learning(ranks)
run(mask, *index("one.gallery"), "--threads", "1")
for ranks in (2, 3):
    run(*job(ranks, *index(f"{ranks}.gallery")))
    check_same_segments(f"{ranks}.gallery")
check_killed()
wrong = subprocess.run(job(2, "learn", "nothing", "--vectors", "v.mvec", "--encoder", "none", "-o", "x.mask"), env=environment,
                       capture_output=True, text=True)
assert wrong.returncode != 0 and "nothing: is not a folder" in wrong.stderr, wrong.stderr
refused = subprocess.run(job(2, "learn", "labelled", "--vectors", "v.mvec", "-o", "x.mask"), env=environment, capture_output=True, text=True)
assert refused.returncode != 0 and "one process" in refused.stderr, refused.stderr
print("the same by 1, 2 and 3 processes")
