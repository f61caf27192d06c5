#!/usr/bin/env python3
"""What re-ranking and adaptation gain on $MASK_SHARED/flickr8k's dev split: prints the tables of docs/lab/experiments.md.

rerank.py [rerank|adapt]. Knowledges are made as quality.py makes them and kept in the same folder. Standard library only.
"""
import os
import sys

import quality as q

DEV = [os.path.join(q.DATA, "f8k_precomp"), "--split", "dev"]
# name, options of learn, options of eval
MODELS = {
    "raw": ("raw features, section9", q.NINE + "--encoder none", q.NINE),
    "nine": ("whitened, section9", q.NINE, q.NINE),
    "trained": ("trained encoder, 3 epochs", "--encoder mask --epochs 3", ""),
    "tuned": ("the defaults", "", ""),
}
PAIRS = [("raw", "tuned"), ("raw", "nine"), ("nine", "trained"), ("trained", "tuned"), ("tuned", "trained"), ("tuned", "raw")]
ALPHAS, CANDIDATES = "0.05,0.15,0.3,0.5,1,2", "5,15,50,200"
BACKGROUND, OWN = os.path.join(q.DATA, "background_ims.npy"), os.path.join(q.DATA, "knowledge", "features.npy")
ADAPTATIONS = [  # model, images, options of adapt
    ("raw", BACKGROUND, "--epochs 1 --temperature 0.1"), ("raw", BACKGROUND, "--epochs 2 --temperature 0.1"),
    ("raw", BACKGROUND, "--epochs 3 --temperature 0.1"), ("raw", BACKGROUND, "--epochs 10 --temperature 0.1"),
    ("raw", BACKGROUND, "--epochs 3"), ("raw", BACKGROUND, "--epochs 3 --temperature 0.1 --raw"),
    ("nine", BACKGROUND, "--epochs 3 --temperature 0.1"), ("trained", BACKGROUND, "--epochs 3 --temperature 0.1"),
    ("tuned", BACKGROUND, "--epochs 3 --temperature 0.3"), ("tuned", BACKGROUND, "--epochs 3 --temperature 0.1"),
    ("tuned", BACKGROUND, "--epochs 3"), ("tuned", BACKGROUND, "--epochs 3 --temperature 0.01"),
    ("tuned", BACKGROUND, "--epochs 3 --temperature 0.1 --rate 1e-5"), ("tuned", BACKGROUND, "--epochs 3 --temperature 0.1 --raw"),
    ("tuned", OWN, "--epochs 3 --temperature 0.1 --batch-images 512"),
]


def model(key):
    return q.knowledge(MODELS[key][1], "caption")


def sims(key):
    path = os.path.join(q.WORK, key + ".sims.npy")
    if not q.fresh(path):
        q.mask("eval", model(key), *DEV, *MODELS[key][2].split(), "--save-sims", path)
    return path


def rerank():
    for base, other in PAIRS:
        out = q.mask("rerank", "--base", sims(base), "--with", sims(other), "--top-k", CANDIDATES, "--alpha", ALPHAS)
        rows = {}
        for one in out["reranked"]:
            rows.setdefault(one["top_k"], []).append("%.1f" % one["rsum"])
        print("\n%s (%.1f), re-ranked by: %s\n" % (MODELS[base][0], out["base"]["rsum"], MODELS[other][0]))
        print(q.table(["k \\ alpha"] + ALPHAS.split(","), [[str(k)] + row for k, row in rows.items()]))


def adapt():
    rows = []
    for key, images, options in ADAPTATIONS:
        path = os.path.join(q.WORK, "adapted.mask")
        done = q.mask("adapt", model(key), "--images", images, "--texts", os.path.join(q.DATA, "background_caps.txt"), "-o", path,
                      *options.split())
        before, after = (q.mask("eval", k, *DEV, *MODELS[key][2].split())["rsum"] for k in (model(key), path))
        rows.append([MODELS[key][0], "background" if images == BACKGROUND else "labelled regions", "`%s`" % options,
                     "%.2f → %.2f" % (done["loss_before"], done["loss_after"]), "%.1f → %.1f" % (before, after)])
        print(rows[-1], file=sys.stderr)
    print(q.table(["knowledge", "images", "options", "held-out loss", "Rs"], rows))


if __name__ == "__main__":
    os.makedirs(q.WORK, exist_ok=True)
    parts = {"rerank": rerank, "adapt": adapt}
    for part in sys.argv[1:] or parts:
        parts[part]()
