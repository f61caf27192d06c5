#!/bin/sh
# golden.sh PROGRAM: agreement with the paper's networks, losses and matching as the executable reference in PyTorch computes
# them. Everyone compares with fixtures/golden.npz; where MASK_SHARED holds the reference, also with its own file and with
# fresh ones of other seeds and shapes.
#
# fixtures/golden.npz: written by mask_reference.golden(path, seed=7, M=12, Z=8, N=7, sizes=(3, 1, 4, 2), K=6), compressed.
set -eu
program=$1
echo "== fixtures/golden.npz"
"$program" "$(dirname "$0")/fixtures/golden.npz"
if [ -z "${MASK_SHARED:-}" ]; then
    echo "skipped: MASK_SHARED is not set: no fresh golden vectors"
    exit 0
fi
reference=$MASK_SHARED/reference
echo "== golden.npz"
"$program" "$reference/golden.npz"
if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    echo "skipped: no PyTorch in /usr/bin/python3: no fresh golden vectors"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fresh() {
    echo "== $1"
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$reference /usr/bin/python3 -c "
import mask_reference as m
m.golden('$folder/fresh.npz', $1)"
    "$program" "$folder/fresh.npz"
}
fresh "seed=1"
fresh "seed=2, M=40, Z=33, N=19, sizes=(1, 1, 2, 17, 36, 9), K=11"
fresh "seed=3, M=130, Z=64, N=50, sizes=(40, 5, 23), K=30, tau=0.05, lam=(0.5, 2.0)"
