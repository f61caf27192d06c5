# The same inputs give the same file, whatever the number of threads.
set -e
mask learn d/knowledge --vectors d/v.mvec -o K.mask --threads 1 --quiet > /dev/null
mask encode K.mask d/demo_precomp --split dev -o a.npy > /dev/null
mask learn d/knowledge --vectors d/v.mvec -o K.mask --threads 1 --quiet > /dev/null
mask encode K.mask d/demo_precomp --split dev -o b.npy > /dev/null
cmp a.npy b.npy
