#!/bin/sh
# golden.sh PROGRAM: runs it on $MASK_SHARED/reference/golden.npz and on files of other seeds and shapes written by the
# reference script beside it. 77 (skipped) without MASK_SHARED.
set -eu
if [ -z "${MASK_SHARED:-}" ]; then
    echo "skipped: set MASK_SHARED to the folder that holds reference/golden.npz"
    exit 77
fi
reference=$MASK_SHARED/reference
echo "== golden.npz"
"$1" "$reference/golden.npz"
if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    echo "fresh vectors skipped: no torch in /usr/bin/python3"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fresh() {
    echo "== $1"
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$reference /usr/bin/python3 -c "
import mask_reference as m
m.golden('$folder/fresh.npz', $1)"
    "$PROGRAM" "$folder/fresh.npz"
}
PROGRAM=$1
fresh "seed=1"
fresh "seed=2, M=40, Z=33, N=19, sizes=(1, 1, 2, 17, 36, 9), K=11"
fresh "seed=3, M=130, Z=64, N=50, sizes=(40, 5, 23), K=30, tau=0.05, lam=(0.5, 2.0)"
