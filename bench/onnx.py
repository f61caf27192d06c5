#!/usr/bin/env python3
"""onnx.py BUILD [RESULT.csv] [--photos FOLDER] [--only networks|photos]: ours beside ONNX Runtime on the same files, in turn.

Networks: the default encoder's and a ViT-S/16, milliseconds a photo, one and two threads, each side the fastest of 30 runs
in five rounds; with one thread by the processor's clock too. Photos: 200 JPEGs of 640 x 480 made from FOLDER ($MASK_SHARED/coco100/photos), photos a second of all of
`mask extract` (decode, network, 14 regions, store, the process's start) beside ONNX Runtime with one session a core, that
decodes with Pillow (shrunk on load), resizes and runs the network, no more. Processor time beside it: on a machine that
others use it is the ratio to trust. Needs what tests/compare-onnx.py needs, and Pillow (MASK_ORACLES names the Python).
"""
import argparse
import concurrent.futures
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

if os.environ.get("MASK_ORACLES"):
    python = os.environ.pop("MASK_ORACLES")
    os.execv(python, [python, "-B", *sys.argv])
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from PIL import Image  # noqa: E402

ROUNDS, RUNS, PHOTOS, SIDE = 5, 30, 200, 384
ENCODER = os.path.join(ROOT, "encoders", "default.menc")


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def theirs(path, x, threads):
    opened, wall, used = session(path, threads), [], []
    for _ in range(RUNS):
        start, begun = time.perf_counter(), time.process_time()
        opened.run(None, {"x": x})
        wall.append(time.perf_counter() - start)
        used.append(time.process_time() - begun)
    return 1e3 * min(wall), 1e3 * min(used)


def ours(build, path, side, raw, threads, out):
    run = subprocess.run([f"{build}/tests/network-dump", path, str(side), raw, out, "--threads", str(threads), "--time", str(RUNS)],
                         capture_output=True, text=True, check=True)
    return [float(part.split("=")[1]) for part in run.stdout.split()[:2]]


def default_network(build, folder):
    path, raw = os.path.join(folder, "default.onnx"), os.path.join(folder, "raw")
    np.zeros(SIDE * SIDE * 3, np.float32).tofile(raw)
    subprocess.run([f"{build}/tests/network-dump", ENCODER, str(SIDE), raw, os.devnull, "--network", path], check=True,
                   capture_output=True)
    return path


def networks(build, folder, default):
    raw, out, vit = (os.path.join(folder, name) for name in ("raw", "out", "vit_s_16.onnx"))
    # By Debian's PyTorch, which needs nothing more for it; the weights are made up from a seed.
    subprocess.run(["/usr/bin/python3", "-B", os.path.join(ROOT, "tests", "networks_made.py"), folder, "vit_s_16"], check=True, capture_output=True)
    for name, path, side in ((f"default, {SIDE}", default, SIDE), ("ViT-S/16, 224", vit, 224)):
        x = np.random.default_rng(1).normal(size=(1, 3, side, side)).astype(np.float32)
        np.ascontiguousarray(x.transpose(0, 2, 3, 1)).tofile(raw)
        for threads in (1, 2):
            pairs = [(ours(build, path, side, raw, threads, out), theirs(path, x, threads)) for _ in range(ROUNDS)]
            for clock, unit in enumerate(("ms", "processor ms")[:3 - threads]):
                own, other = (min(p[i][clock] for p in pairs) for i in range(2))
                yield [f"{name}, {threads} thread{'s' * (threads > 1)}, {unit}", f"{own:.1f}", f"{other:.1f}", f"{other / own:.2f}"]


def make_photos(source, folder):
    """PHOTOS JPEGs, each of another content."""
    names = sorted(os.listdir(source))
    for i in range(PHOTOS):
        photo = Image.open(os.path.join(source, names[i % len(names)])).convert("RGB").resize((640, 480), Image.LANCZOS)
        if i >= len(names):
            photo = photo.transpose(Image.FLIP_LEFT_RIGHT)
        photo.save(os.path.join(folder, f"{i}.jpg"), quality=90)
    return [os.path.join(folder, f"{i}.jpg") for i in range(PHOTOS)]


def look(path, opened):
    photo = Image.open(path)
    photo.draft("RGB", (SIDE, SIDE))
    square = np.asarray(photo.convert("RGB").resize((SIDE, SIDE), Image.BILINEAR, reducing_gap=2), np.float32)
    return opened.run(["map"], {"x": (square.transpose(2, 0, 1)[None] - 127) / 128})[0].shape


def extract_theirs(listed, sessions):
    """Photos a second, and processor milliseconds a photo."""
    own = threading.local()
    free = list(sessions)

    def one(path):
        if not hasattr(own, "session"):
            own.session = free.pop()
        return look(path, own.session)

    begun, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(one, listed))
    wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return PHOTOS / wall, 1e3 * (used.ru_utime + used.ru_stime - begun.ru_utime - begun.ru_stime) / PHOTOS


def extract_ours(build, source, store):
    if os.path.exists(store):
        os.remove(store)
    begun, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([f"{build}/mask", "extract", source, "-o", store, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return PHOTOS / wall, 1e3 * (used.ru_utime + used.ru_stime - begun.ru_utime - begun.ru_stime) / PHOTOS


def photos(build, folder, default, source):
    shots = os.path.join(folder, "photos")
    os.mkdir(shots)
    listed = make_photos(source, shots)
    sessions = [session(default, 1) for _ in range(os.cpu_count())]
    look(listed[0], sessions[0])
    rounds = [(extract_ours(build, shots, os.path.join(folder, "p.regions")), extract_theirs(listed, sessions)) for _ in range(ROUNDS)]
    own, other = (max(r[i][0] for r in rounds) for i in range(2))
    yield ["640 x 480 JPEGs, photos a second", f"{own:.1f}", f"{other:.1f}", f"{statistics.median(a[0] / b[0] for a, b in rounds):.2f}"]
    own, other = (min(r[i][1] for r in rounds) for i in range(2))
    yield ["640 x 480 JPEGs, processor ms", f"{own:.1f}", f"{other:.1f}", f"{statistics.median(b[1] / a[1] for a, b in rounds):.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("result", nargs="?")
    parser.add_argument("--photos", default=os.path.join(os.environ.get("MASK_SHARED", ""), "coco100", "photos"))
    parser.add_argument("--only", choices=("networks", "photos"))
    args = parser.parse_args()
    rows = [["", "ours", f"ONNX Runtime {onnxruntime.__version__}", "times as fast"]]
    with tempfile.TemporaryDirectory() as folder:
        default = default_network(args.build, folder)
        for part in ("networks", "photos"):
            if args.only in (None, part):
                for row in networks(args.build, folder, default) if part == "networks" else photos(args.build, folder, default, args.photos):
                    rows.append(row)
                    print(" | ".join(row), flush=True)
    if args.result:
        with open(args.result, "w", newline="", encoding="utf8") as file:
            csv.writer(file).writerows(rows)


main()
