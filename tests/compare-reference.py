#!/usr/bin/python3
"""compare-reference.py MASK: `mask learn`, `calibrate` and `eval` against the executable reference in NumPy
($MASK_SHARED/reference/calibrated_reference.py) on flickr8k's dev split: every one of 1,000 x 5,000 scores within 1e-4,
and the same recalls. Prints both, and the line of the CAPTION rule beside them. What the defaults reach there is held to what
docs/QUALITY.md says. 77 (skipped) without MASK_SHARED or NumPy.
"""
import json
import os
import subprocess
import sys
import tempfile

LIMIT = 1e-4
DEFAULTS, APART = 270.1, 0.3  # Rs of the defaults, "+ reliabilities = the defaults" in docs/QUALITY.md


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


shared = os.environ.get("MASK_SHARED") or skip("MASK_SHARED is not set: the reference in NumPy is not compared")
try:
    import numpy as np
except ImportError:
    skip("no NumPy in " + sys.executable)
sys.path.insert(0, os.path.join(shared, "reference"))
import calibrated_reference as reference

DATA = os.path.join(shared, "flickr8k")
PRECOMP = os.path.join(DATA, "f8k_precomp")


def run(mask, *words):
    done = subprocess.run([mask, *words, "--quiet"], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit("failed: mask " + " ".join(words))
    return done.stdout


def ours(mask, folder, learn=(), preset=(), sims=None):
    """The recalls of the defaults, or with options; the scores go to sims."""
    vectors, plain, full = (os.path.join(folder, n) for n in ("v.mvec", "plain.mask", "full.mask"))
    if not os.path.exists(vectors):
        run(mask, "vectors", "import", os.path.join(shared, "words", "glove.6B.100d.42k.txt.gz"), "-o", vectors)
    run(mask, "learn", os.path.join(DATA, "knowledge"), "--vectors", vectors, *learn, *preset, "-o", plain)
    run(mask, "calibrate", plain, "--images", os.path.join(DATA, "background_ims.npy"), "--texts",
        os.path.join(DATA, "background_caps.txt"), *preset, "-o", full)
    extra = ["--save-sims", sims] if sims else []
    result = json.loads(run(mask, "eval", full, PRECOMP, "--split", "dev", "--json", *extra))
    return [result[way]["r%d" % k] for way in ("t2i", "i2t") for k in (1, 5, 10)] + [result["rsum"]]


def theirs():
    load = lambda path: np.load(path).astype(np.float32)
    lines = lambda path: open(path, encoding="utf8").read().splitlines()
    return reference.calibrated(reference.Knowledge(), load(PRECOMP + "/dev_ims.npy"), lines(PRECOMP + "/dev_caps.txt"),
                                load(DATA + "/background_ims.npy"), lines(DATA + "/background_caps.txt"))


def show(name, recalls):
    print("%-22s t2i %5.2f %5.2f %5.2f  i2t %5.2f %5.2f %5.2f  Rs %.2f" % (name, *recalls))


with tempfile.TemporaryDirectory() as folder:
    sims = os.path.join(folder, "sims.npy")
    section9 = ["--preset", "section9"]
    letters = ours(sys.argv[1], folder, ["--tokens", "letters"], section9, sims)
    caption = ours(sys.argv[1], folder, ["--tokens", "caption"], section9)
    default = ours(sys.argv[1], folder)
    scores, expected = np.load(sims), theirs()
recalls = reference.recalls(expected)
show("reference, letters", recalls)
show("mask, letters", letters)
show("mask, caption", caption)
show("mask, the defaults", default)
if scores.shape != expected.shape:
    sys.exit("our scores are %s, the reference's %s" % (scores.shape, expected.shape))
apart = np.abs(scores.astype(np.float64) - expected)
image, text = np.unravel_index(apart.argmax(), apart.shape)
print("worst difference %.1e (image %d, text %d: ours %.6f, reference %.6f), mean %.1e, limit %.0e" % (
    apart.max(), image, text, scores[image, text], expected[image, text], apart.mean(), LIMIT))
if not apart.max() <= LIMIT:
    sys.exit("%d of %d scores are farther apart than that" % ((~(apart <= LIMIT)).sum(), apart.size))
if max(abs(a - b) for a, b in zip(letters, recalls)) > 0.15: # one image or seven texts
    sys.exit("the recalls differ")
if not abs(default[-1] - DEFAULTS) <= APART:
    sys.exit("the defaults reach Rs %.2f, not %.1f: what changed? (docs/QUALITY.md, `make quality`)" % (default[-1], DEFAULTS))
