#!/usr/bin/python3
"""compare-detector.py DUMP: the detector against a second reading of its TFLite file run by PyTorch (tflite_torch.py), on
photos where there are some ($MASK_SHARED/flickr8k/dev_photos, decoded by vips) and on made-up pictures: boxes, scores and
feature map within 1e-3, the 36 detections against a naive decoding and suppression here. 77 (skipped) without PyTorch or
without the encoder (`make detector`; build/objectron.menc or $MASK_ENCODER).
"""
import glob
import math
import os
import subprocess
import sys
import tempfile

LIMIT, SIZE, PHOTOS = 1e-3, 300, 6


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


encoder = os.environ.get("MASK_ENCODER", "")
if not encoder:  # beside the tests' build folder, or in the plain one
    build = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    encoder = next((p for p in (build + "/objectron.menc", root + "/build/objectron.menc") if os.path.exists(p)), "")
if not os.path.exists(encoder):
    skip("no encoder: make detector, or set MASK_ENCODER")
try:
    import numpy as np
    import torch
except ImportError as missing:
    skip(str(missing))
import tflite_torch


def pictures(folder):
    made = np.random.default_rng(1).integers(0, 256, (2, 12, 12, 3), np.uint8).repeat(25, 1).repeat(25, 2)
    ramp = np.broadcast_to(np.linspace(0, 255, SIZE).astype(np.uint8)[None, :, None], (1, SIZE, SIZE, 3))
    photos = []
    shared = os.path.join(os.environ.get("MASK_SHARED", ""), "flickr8k", "dev_photos")
    for path in sorted(glob.glob(shared + "/*.jpg"))[:PHOTOS] if os.environ.get("MASK_SHARED") else []:
        square, raw = folder + "/square.v", folder + "/square.raw"
        subprocess.run(["vips", "thumbnail", path, square, str(SIZE), "--height", str(SIZE), "--size", "force"], check=True)
        subprocess.run(["vips", "rawsave", square, raw], check=True)
        photos.append(np.fromfile(raw, np.uint8).reshape(1, SIZE, SIZE, 3))
    print("%d photos, %d made-up pictures" % (len(photos), 3))
    return np.concatenate(photos + [made, ramp])


def anchors():
    out, grid = [], math.ceil(SIZE / 16)
    for layer in range(6):
        scale, above = 0.2 + 0.15 * layer, 0.35 + 0.15 * layer if layer < 5 else 1.0
        shapes = [(scale, r) for r in (1, 2, 0.5, 3, 0.3333)] + [(math.sqrt(scale * above), 1)]
        if layer == 0:
            shapes = [(0.1, 1), (scale, 2), (scale, 0.5)]
        for y in range(grid):
            for x in range(grid):
                out += [((y + 0.5) / grid, (x + 0.5) / grid, s / math.sqrt(r), s * math.sqrt(r)) for s, r in shapes]
        grid = math.ceil(grid / 2)
    return np.array(out)


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0
    area = lambda c: (c[2] - c[0]) * (c[3] - c[1])
    return w * h / (area(a) + area(b) - w * h)


def detections(encoded, logits, anchor):
    t = encoded / (10, 10, 5, 5)
    cy, cx = t[:, 0] * anchor[:, 2] + anchor[:, 0], t[:, 1] * anchor[:, 3] + anchor[:, 1]
    h, w = np.exp(t[:, 2]) * anchor[:, 2], np.exp(t[:, 3]) * anchor[:, 3]
    boxes = np.stack((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), 1).clip(0, 1)
    scores, labels = 1 / (1 + np.exp(-logits[:, 1:].max(1))), 1 + logits[:, 1:].argmax(1)
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        inside = boxes[i][2] > boxes[i][0] and boxes[i][3] > boxes[i][1]
        if inside and all(iou(boxes[i], row) <= 0.5 for row in kept) and len(kept) < 36:
            kept.append([*boxes[i], scores[i], labels[i]])
    return np.array(kept)


def compare(name, ours, theirs):
    worst = float(np.abs(ours - theirs).max())
    print("%-12s largest %9.4f, largest difference %.2e" % (name, np.abs(theirs).max(), worst))
    return worst <= LIMIT


with tempfile.TemporaryDirectory() as folder:
    rgb = pictures(folder)
    rgb.tofile(folder + "/rgb")
    subprocess.run([sys.argv[1], encoder, folder + "/rgb", str(len(rgb)), folder + "/out"], check=True)
    values = np.fromfile(folder + "/out", np.float32)
network = tflite_torch.Network(tflite_torch.network_of(encoder), ["/Conv_1/"])
with torch.inference_mode():
    theirs = [t.numpy() for t in network(torch.tensor(rgb.astype(np.float32) / 127.5 - 1))]
good, at, ours = True, 0, []
for name, expected in zip(("boxes", "scores", "feature map"), theirs):
    ours.append(values[at:at + expected.size].reshape(expected.shape))
    at += expected.size
    good &= compare(name, ours[-1], expected)
# Detections are compared from our own boxes and scores: a tie that rounding turns round is no difference.
found = values[at:].reshape(len(rgb), 36, 6)
anchor = anchors()
for i in range(len(rgb)):
    expected = detections(ours[0][i].astype(np.float64), ours[1][i].astype(np.float64), anchor)
    good &= len(expected) == 36 and bool(np.abs(found[i] - expected).max() <= LIMIT)
print("detections of %d images %s" % (len(rgb), "agree" if good else "or the above differ"))
sys.exit(not good)
