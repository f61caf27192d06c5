#!/usr/bin/env python3
"""mpi.py MASK MASK-MPI MPIRUN: a job of several processes must learn, train, evaluate, extract and index what one process
does: galleries the same to the byte, region stores row by row, scores within 1e-4 (sums have another order). A process that is
killed ends the job, with a message, and the same command again completes the work.
"""
import glob
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import zlib

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


def check_training(ranks):
    """Four steps an epoch; of three processes one dies once a checkpoint is there, and the job is resumed."""
    words = ["learn", "labelled", "--vectors", "v.mvec", "--encoder", "mask", "--whiten-dim", "16", "--dim", "16", "--epochs", "4",
             "--rate", "0.001", "--checkpoint-minutes", "0", "--resume", "-o", f"trained{ranks}.mask"]
    if ranks == 1:
        run(mask, *words, "--threads", "1")
    else:
        if ranks == 3:
            kill_when(job(ranks, *words), lambda: os.path.exists("trained3.mask.ckpt"))
        run(*job(ranks, *words))
    scores = f"trained{ranks}.npy"
    run(mask, "eval", f"trained{ranks}.mask", "data", "--split", "dev", "--save-sims", scores)
    off = max(abs(a - b) for a, b in zip(read_scores(scores), read_scores("trained1.npy")))
    print(f"trained by {ranks} processes: scores {off:.1e} off")
    assert off < 1e-3, f"training by {ranks} processes: scores {off} off"


def write_photo(path, seed):
    chosen = random.Random(seed)
    tiles = [[bytes(chosen.randrange(256) for _ in range(3)) for _ in range(8)] for _ in range(6)]
    rows = b"".join(b"\0" + b"".join(tiles[y // 8][x // 8] for x in range(64)) for y in range(48))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def stored(path):
    with sqlite3.connect(path) as db:
        return db.execute("SELECT * FROM photos ORDER BY number").fetchall()


def extract(out):
    return ["extract", "photos", "-o", out, "--grid", "0"]


def check_extraction():
    os.mkdir("photos")
    for i in range(20):
        write_photo(f"photos/{i}.png", i)
    open("photos/broken.png", "w").write("no photo")
    told = run(mask, *extract("1.regions"), "--threads", "1")
    assert run(*job(4, *extract("4.regions"))) == told.replace("1.regions", "4.regions")
    assert stored("4.regions") == stored("1.regions"), "4 processes: another store"
    kill_when(job(3, *extract("3.regions")), lambda: os.path.exists("3.regions.part-1"))
    shutil.copy("4.regions", "3.regions.part-7")  # as a larger job might have left it
    shutil.copy("photos/3.png", "photos/copy.png")
    write_photo("photos/new.png", 99)
    told = run(mask, *extract("1.regions"), "--threads", "1")
    assert "1 extracted, 1 moved or copied" in told, told
    told = run(*job(3, *extract("3.regions")))
    assert "1 extracted, 1 moved or copied" in told, told
    rows = lambda path: sorted(row[1:] for row in stored(path))
    assert rows("3.regions") == rows("1.regions"), "after a kill: another store"
    assert not glob.glob("*.part-*")


def kill_when(command, ready):
    """One process dies once the job is so far."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not ready():
        time.sleep(0.005)
    for pid in children(process.pid)[-1:] if process.poll() is None else []:
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    if process.returncode == 0:
        print("the job was faster than the kill: " + " ".join(command[7:9]))
    else:
        assert "signal 9" in said, said


def children(pid):
    return [int(p) for p in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def check_killed():
    kill_when(job(3, *index("killed.gallery")), lambda: len(glob.glob("killed.gallery/*.segment")) > 2)
    run(*job(3, *index("killed.gallery")))
    check_same_segments("killed.gallery")


for ranks in (1, 2, 4):
    check_learning(ranks)
run(mask, *index("one.gallery"), "--threads", "1")
run(*job(4, *index("4.gallery")))
check_same_segments("4.gallery")
check_killed()
for ranks in (1, 3):
    check_training(ranks)
check_extraction()
wrong = subprocess.run(job(2, "learn", "nothing", "--vectors", "v.mvec", "--encoder", "none", "-o", "x.mask"), env=environment,
                       capture_output=True, text=True)
assert wrong.returncode != 0 and "nothing: is not a folder" in wrong.stderr, wrong.stderr
refused = subprocess.run(job(2, "search", "one.gallery", "dog"), env=environment, capture_output=True, text=True)
assert refused.returncode != 0 and "mask-mpi knows" in refused.stderr, refused.stderr
print("the same by 1, 2, 3 and 4 processes")
