#!/bin/sh
# Speed beside others in the same run: makes the data once and a virtual environment of what is current on PyPI (remove
# BUILD/bench-venv for newer ones; PYPI=no: Debian's alone), then bench/compare.py. Arguments go to it. Writes docs/BENCHMARKS.md.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
PYTHON=${PYTHON:-/usr/bin/python3}
data=$BUILD/bench-data
mkdir -p "$data"
case " $* " in
*" search "* | *" photos "* | *" step "* | *" detector "*) ;; # have data of their own
*)
    # Made anew when its maker changed; the knowledge also when its format might have.
    if [ ! -f "$data/made" ] || [ bench/eval_data.py -nt "$data/made" ]; then
        "$PYTHON" bench/eval_data.py "$data"
        "$BUILD/mask" vectors import "$data/words.bin" -o "$data/words.mvec" --quiet
        rm "$data/words.bin"
        touch "$data/made"
    fi
    "$BUILD/mask" learn "$data/knowledge" --vectors "$data/words.mvec" --encoder none -o "$data/K.mask" --quiet
    ;;
esac
if [ "${PYPI:-}" != no ] && [ ! -f "$BUILD/bench-venv/complete" ]; then
    "$PYTHON" -m venv "$BUILD/bench-venv"
    "$BUILD/bench-venv/bin/python" -m pip install --quiet numpy torch faiss-cpu usearch onnxruntime pillow
    touch "$BUILD/bench-venv/complete"
fi
"$PYTHON" -u bench/compare.py --build "$BUILD" "$@"
"$PYTHON" bench/report.py
