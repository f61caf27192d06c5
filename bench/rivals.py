#!/usr/bin/env python3
"""rivals.py [SHARED]: our calibration beside what others do against hubness, on Flickr8K's dev split, with the same unpaired banks.

All start from the same scores (the default knowledge, no statistics taken away) and see the same 500 images and 5,000 texts, which are of
other photos. Their constants are the best of a small grid on this very split, ours are the library's. Needs MASK_SHARED and the
Python package (make python; PYTHONPATH=build/python).
"""
import os
import sys
import tempfile

import numpy as np

import mask_match as m

SHARED = sys.argv[1] if len(sys.argv) > 1 else os.environ["MASK_SHARED"]
DATA = os.path.join(SHARED, "flickr8k")


def rs(t2i, i2t):
    """Rs of two matrices, texts x images: each direction by its own."""
    a, b = m.recalls(t2i).t2i, m.recalls(i2t).i2t
    return [a.r1, a.r5, a.r10, b.r1, b.r5, b.r10, a.r1 + a.r5 + a.r10 + b.r1 + b.r5 + b.r10]


def top_mean(scores, k, axis):
    part = np.partition(scores, scores.shape[axis] - k, axis)
    return np.take(part, range(scores.shape[axis] - k, scores.shape[axis]), axis).mean(axis)


def log_sum(scores, beta, axis):
    high = scores.max(axis, keepdims=True)
    return np.squeeze(high, axis) + np.log(np.exp(beta * (scores - high)).sum(axis)) / beta


def qb_norm(s, texts, images, beta):
    """Bogolin et al. 2022: softmax over the bank of queries; images by the bank of texts, texts by that of images."""
    return s - log_sum(texts, beta, 0)[None], s - log_sum(images, beta, 1)[:, None]


def qb_norm_dynamic(s, texts, images, beta):
    """Only for queries whose first result is the first of some query of the bank."""
    t2i, i2t = qb_norm(s, texts, images, beta)
    hubs = np.isin(s.argmax(1), texts.argmax(1)), np.isin(s.argmax(0), images.argmax(0))
    return np.where(hubs[0][:, None], t2i, s), np.where(hubs[1][None], i2t, s)


def db_norm(s, texts, images, beta):
    """Wang et al. 2023, dual banks: both sides' log sums are taken away."""
    both = s - 0.5 * log_sum(texts, beta, 0)[None] - 0.5 * log_sum(images, beta, 1)[:, None]
    return both, both


def nnn(s, texts, images, k, alpha):
    """Chowdhury et al. 2024: minus the mean of the k nearest queries of the bank."""
    return s - alpha * top_mean(texts, k, 0)[None], s - alpha * top_mean(images, k, 1)[:, None]


def csls(s, texts, images, k):
    """Conneau et al. 2018, with the banks as neighbours."""
    both = 2 * s - top_mean(texts, k, 0)[None] - top_mean(images, k, 1)[:, None]
    return both, both


with tempfile.TemporaryDirectory() as work:
    vectors = m.Vectors.convert(os.path.join(SHARED, "words", "glove.6B.100d.42k.txt.gz"), os.path.join(work, "v.mvec"))
    bank_images, bank_texts = m.Images.open(os.path.join(DATA, "background_ims.npy")), m.Texts.open(os.path.join(DATA, "background_caps.txt"))
    plain = m.Knowledge.learn(os.path.join(DATA, "knowledge"), vectors, encoder="whiten")
    knowledge = plain.calibrate(bank_images, bank_texts, vectors)
    images, texts = m.open_dataset(os.path.join(DATA, "f8k_precomp"), "dev")
    rows = []
    for level, name in (("none", "cosines"), ("zscore", "words' z-scores")):
        with m.Matcher(knowledge, vectors, calibrate=level) as matcher:
            s, by_text, by_image = (matcher.scores(*pair) for pair in ((images, texts), (images, bank_texts), (bank_images, texts)))
        scale = 1 / s.std()
        grids = [("nothing", [(s, s)])]
        for title, method in (("QB-Norm", qb_norm), ("QB-Norm, dynamic", qb_norm_dynamic), ("DBNorm", db_norm)):
            grids.append((title, [method(s, by_text, by_image, beta * scale) for beta in (0.5, 1, 2, 4, 8)]))
        grids.append(("NNN", [nnn(s, by_text, by_image, k, alpha) for k in (16, 64, 128) for alpha in (0.25, 0.5, 0.75, 1)]))
        grids.append(("CSLS", [csls(s, by_text, by_image, k) for k in (5, 10, 50, 100)]))
        rows += [("%s, on %s" % (title, name), max((rs(*pair) for pair in grid), key=lambda row: row[-1])) for title, grid in grids]
    rows.append(("ours: texts, images and hubness", rs(*[m.Matcher(knowledge, vectors).scores(images, texts)] * 2)))
print("| | t2i R@1 5 10 | i2t R@1 5 10 | Rs |\n|---|---|---|---|")
for name, row in rows:
    print("| %s | %s | %s | %.1f |" % (name, " ".join("%.1f" % v for v in row[:3]), " ".join("%.1f" % v for v in row[3:6]), row[6]))
