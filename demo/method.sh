#!/bin/sh
# make demo-method: makes a small data set up, learns from it three times and shows what each step is worth. Every command is
# shown before it runs, to be run again by hand. Needs no network; takes seconds.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
D=$BUILD/demo
MASK=$BUILD/mask

say() { printf '\n# %s\n' "$*"; }
quote() { case $1 in *[!A-Za-z0-9_./#=-]*) printf "'%s'" "$1" ;; *) printf '%s' "$1" ;; esac; }
show() {
    printf '$'
    for word in "$@"; do printf ' %s' "$(quote "$word")"; done
    printf '\n'
}
run() { show "$@"; "$@"; }
# step NAME ARGUMENTS...: mask eval, kept for the table at the end.
step() {
    name=$1
    shift
    show "$MASK" eval "$@"
    "$MASK" eval "$@" --json > "$D/$name.json"
}
row() {
    python3 - "$D/$1.json" "$2" << 'PYTHON'
import json, sys
e = json.load(open(sys.argv[1]))
print("  %-34s" % sys.argv[2], *("%6.1f" % e[way]["r%d" % k] for way in ("t2i", "i2t") for k in (1, 5, 10)), "%7.1f" % e["rsum"])
PYTHON
}

rm -rf "$D"
say "A made-up data set: labelled regions to learn from, and 200 other images with five captions each."
run python3 demo/generate.py "$D"
run "$MASK" vectors import "$D/vectors.txt" -o "$D/vectors.mvec"

say "Learn what words look like. First as MACK did, from raw features; then from whitened ones."
run "$MASK" learn "$D/knowledge" --vectors "$D/vectors.mvec" --preset section9 --encoder none --prototype-shrink 0 -o "$D/raw.mask"
run "$MASK" learn "$D/knowledge" --vectors "$D/vectors.mvec" --encoder whiten -o "$D/whitened.mask"

say "Unrelated images and texts make the scores of different words, texts and images comparable."
run "$MASK" calibrate "$D/whitened.mask" --images "$D/background_ims.npy" --texts "$D/background_caps.txt" -o "$D/calibrated.mask"

say "A word that labels showed, one they never showed (OOD), and one that means nothing to the eye."
run "$MASK" words "$D/calibrated.mask" dog puppy the

say "Why an image and a text match: words, regions, calibration."
line=$(grep -n puppy "$D/demo_precomp/dev_caps.txt" | sed -n '2s/:.*//p')
text=$(sed -n "${line}p" "$D/demo_precomp/dev_caps.txt")
run "$MASK" score "$D/calibrated.mask" --images "$D/demo_precomp" --split dev --image $(((line - 1) / 5)) --text "$text"

say "Recall on images and captions that no step has seen as pairs."
step raw-known "$D/raw.mask" "$D/demo_precomp" --split dev --ood off
step raw "$D/raw.mask" "$D/demo_precomp" --split dev
step whitened "$D/whitened.mask" "$D/demo_precomp" --split dev
step calibrated "$D/calibrated.mask" "$D/demo_precomp" --split dev
printf '\n  %-34s %20s %20s %7s\n' "" "text to image" "image to text" ""
printf '  %-34s %6s %6s %6s %6s %6s %6s %7s\n' "" R@1 R@5 R@10 R@1 R@5 R@10 Rs
row raw-known "raw features, known words (MACK)"
row raw "+ words never seen as labels"
row whitened "+ whitening, reliabilities"
row calibrated "+ calibration, scenes"

cat << TEXT

Your own data: a folder with features.npy and regions.tsv to learn from, *_ims.npy and *_caps.txt to evaluate on
(docs/datasets.md), word vectors such as GloVe's. Then the same commands; '$MASK help COMMAND' tells the rest.
TEXT
