# The same command gives the same file; another number of threads the same representation but for rounding.
set -e
learn() { mask learn d/knowledge --vectors d/v.mvec --encoder whiten -o K.mask --threads "$1" --quiet > /dev/null; }
learn 2
cp K.mask twice.mask
learn 2
cmp K.mask twice.mask
for threads in 1 2 3; do
    learn $threads
    mask encode K.mask d/demo_precomp --split dev -o $threads.npy > /dev/null
done
python3 - << 'PY'
import array
def values(path):
    data = open(path, "rb").read()
    return array.array("f", data[10 + int.from_bytes(data[8:10], "little"):])
one = values("1.npy")
for other in (values("2.npy"), values("3.npy")):
    assert len(one) == len(other) and max(abs(a - b) for a, b in zip(one, other)) < 1e-4 * max(map(abs, one))
PY
