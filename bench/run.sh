#!/bin/sh
# Speed against PyTorch and NumPy in the same run: makes the data once, then bench/compare.py. Arguments go to it.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
PYTHON=${PYTHON:-/usr/bin/python3}
data=$BUILD/bench-data
mkdir -p "$data"
# Made anew when its maker changed; the knowledge also when its format might have.
if [ ! -f "$data/made" ] || [ bench/eval_data.py -nt "$data/made" ]; then
    "$PYTHON" bench/eval_data.py "$data"
    "$BUILD/mask" vectors import "$data/words.bin" -o "$data/words.mvec" --quiet
    rm "$data/words.bin"
    touch "$data/made"
fi
"$BUILD/mask" learn "$data/knowledge" --vectors "$data/words.mvec" --encoder none -o "$data/K.mask" --quiet
exec "$PYTHON" -u bench/compare.py --build "$BUILD" "$@"
