#!/usr/bin/env python3
"""pairs.py [SHARED]: how many paired captions our knowledge is worth. Ridge regression and CCA are trained on n pairs of an image and a
caption, on the same features, and measured beside ours, which has seen none, on Flickr8K's dev split.

Dev is the only split here with pairs: it is cut into five parts of 200 images; a rival is trained on pairs drawn from the other
800 images (4,000 pairs at most) and every method ranks each part by itself. Their constants are the best of a small grid on
these very parts, ours are the library's. NumPy only; needs MASK_SHARED and the package (make python; PYTHONPATH=build/python).
"""
import os
import re
import sys
import tempfile

import numpy as np

import mask_match as m

SHARED = sys.argv[1] if len(sys.argv) > 1 else os.environ["MASK_SHARED"]
DATA = os.path.join(SHARED, "flickr8k")
PARTS, COUNTS, RIDGES, POWERS = 5, (0, 100, 300, 1000, 2000, 4000), (0.1, 0.3, 1, 3, 10), (0, 0.5, 1, 2)


def pca(rows, dim):
    """Centre and axes, each scaled to a deviation of 1."""
    centre = rows.mean(0)
    values, axes = np.linalg.eigh(np.cov((rows - centre).T))
    return centre, axes[:, -dim:] / np.sqrt(values[-dim:] + 0.1 * values.mean())


def unit(rows):
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def image_features(images):
    """The whole image and the mean of its regions, square roots of the non-negative features."""
    return [np.stack(side) for side in zip(*((np.sqrt(x[0]), np.sqrt(x).mean(0)) for x in images))]


def text_features(texts, vectors, known):
    """Mean word vector, and counts of words."""
    words = [[w for w in re.findall("[a-z]+", text.lower()) if w in known] for text in texts]
    counts = np.zeros((len(texts), len(known)), np.float32)
    for row, text in enumerate(words):
        for w in text:
            counts[row, known[w]] += 1
    table = np.stack([unit(vectors[w][None])[0] if w in vectors else np.zeros(vectors.dim, np.float32) for w in known])
    return [counts @ table / np.maximum(counts.sum(1, keepdims=True), 1), counts]


def ridge(x, y, strength):
    """Texts' features from images', scored by cosine."""
    w = np.linalg.solve(x.T @ x / len(x) + strength * np.eye(x.shape[1]), x.T @ y / len(x))
    return lambda images, texts: unit(texts) @ unit(images @ w).T


def cca(x, y, strength):
    """Regularised CCA; directions weigh by a power of their correlation (Gong et al. 2014)."""
    a, b = (np.linalg.inv(np.linalg.cholesky(z.T @ z / len(z) + strength * np.eye(z.shape[1]))) for z in (x, y))
    u, s, vt = np.linalg.svd(a @ (x.T @ y / len(x)) @ b.T, full_matrices=False)
    return lambda images, texts, power: unit(texts @ (b.T @ vt.T) * s ** power) @ unit(images @ (a.T @ u) * s ** power).T


def table(rows):
    print("| pairs | " + " | ".join(str(n) for n in COUNTS) + " |\n|" + "---|" * (len(COUNTS) + 1))
    for name, row in rows:
        print("| %s | %s |" % (name, " | ".join("%.1f" % value for value in row)))


with tempfile.TemporaryDirectory() as work:
    vectors = m.Vectors.convert(os.path.join(SHARED, "words", "glove.6B.100d.42k.txt.gz"), os.path.join(work, "v.mvec"))
    images, texts = m.open_dataset(os.path.join(DATA, "f8k_precomp"), "dev")
    bank_images, bank_texts = m.Images.open(os.path.join(DATA, "background_ims.npy")), m.Texts.open(os.path.join(DATA, "background_caps.txt"))
    knowledge = m.Knowledge.learn(os.path.join(DATA, "knowledge"), vectors, encoder="whiten").calibrate(bank_images, bank_texts, vectors)
    ours = m.recalls(m.Matcher(knowledge, vectors).scores(images, texts), PARTS).rsum
    # What needs no pairs is learned from the unpaired background: axes of both sides, and the words that count.
    seen = sorted({w for text in bank_texts for w in re.findall("[a-z]+", text.lower())})
    known = {w: i for i, w in enumerate(seen)}
    axes = [pca(side, 250) for side in image_features(bank_images)]
    word_axes = [pca(side, dim) for side, dim in zip(text_features(bank_texts, vectors, known), (100, 300))]
    x = np.hstack([(side - c) @ a for side, (c, a) in zip(image_features(images), axes)])
    y = np.hstack([(side - c) @ a for side, (c, a) in zip(text_features(texts, vectors, known), word_axes)])

size = len(images) // PARTS
found = {"ridge": np.zeros((len(RIDGES), 1, len(COUNTS))), "CCA": np.zeros((len(RIDGES), len(POWERS), len(COUNTS)))}
random = np.random.default_rng(0)
for part in range(PARTS):
    test = np.arange(part * size, (part + 1) * size)
    own = np.arange(5 * test[0], 5 * test[-1] + 5)
    others = np.setdiff1d(np.arange(len(texts)), own)
    for c, n in enumerate(COUNTS[1:], 1):
        chosen = random.permutation(others)[:n]
        for r, strength in enumerate(RIDGES):
            score = ridge(x[chosen // 5], y[chosen], strength)
            found["ridge"][r, 0, c] += m.recalls(score(x[test], y[own])).rsum / PARTS
            score = cca(x[chosen // 5], y[chosen], strength)
            for p, power in enumerate(POWERS):
                found["CCA"][r, p, c] += m.recalls(score(x[test], y[own], power)).rsum / PARTS
chance = sum(100 * k / size + 100 * (1 - np.prod([1 - 5 / (5 * size - i) for i in range(k)])) for k in (1, 5, 10))
for values in found.values():
    values[:, :, 0] = chance
rows = [(name, values.max((0, 1))) for name, values in found.items()]
table(rows + [("ours, no pair", [ours] * len(COUNTS))])
best = rows[1][1]
gain = (best[-1] - best[-3]) / np.log(COUNTS[-1] / COUNTS[-3])
print("\nCCA gains %.0f a doubling at the end; on that line it would reach ours at %.0f pairs" %
      (gain * np.log(2), COUNTS[-1] * np.exp((ours - best[-1]) / gain)))
