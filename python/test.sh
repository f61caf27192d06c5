#!/bin/sh
# test.sh BUILD [PYTEST OPTIONS]: builds the package against a build folder's libraries, into BUILD/python, and tests it.
# Of a sanitizer's build the run-time is loaded before Python's own.
set -eu
MASK_BUILD=$(realpath "$1")
cd "$(dirname "$0")"
export MASK_BUILD PYTHONDONTWRITEBYTECODE=1 OMP_WAIT_POLICY=passive
shift
PYTHON=${PYTHON:-/usr/bin/python3}
$PYTHON -c "import cffi, numpy, pytest" 2> /dev/null || {
    echo "skipped: python3-cffi, python3-numpy or python3-pytest is not installed"
    exit 77
}
log=$MASK_BUILD/python-build.log
$PYTHON setup.py -q build --build-base "$MASK_BUILD/python-build" --build-lib "$MASK_BUILD/python" > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
if grep -q '^MASK_SANITIZE:BOOL=ON' "$MASK_BUILD/CMakeCache.txt"; then
    LD_PRELOAD=$(cc -print-file-name=libasan.so):$(cc -print-file-name=libubsan.so)
    export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0
fi
cd tests # not beside the sources, which have no library
PYTHONPATH=$MASK_BUILD/python exec $PYTHON -m pytest -v --durations=5 -p no:cacheprovider --basetemp "$MASK_BUILD/python-tests" "$@"
