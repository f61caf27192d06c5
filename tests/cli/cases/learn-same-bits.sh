# The same command gives the same file, and any number of threads the same representation.
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
cmp 1.npy 2.npy
cmp 1.npy 3.npy
