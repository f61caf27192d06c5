# A failed command leaves the file that was there as it was.
set -e
echo old > K.mask
cp K.mask mu.npy
cp K.mask V.mvec
cp K.mask s.npy
head -c 20000 d/background_ims.npy > cut_ims.npy
fails() { if mask "$@" > /dev/null 2>&1; then echo "did not fail: $*" >&2; fi; }
fails learn d/knowledge --vectors nope.mvec -o K.mask
fails learn d/knowledge --vectors d/v.mvec --min-count 1000000 -o K.mask
fails calibrate d/raw.mask --images cut_ims.npy --texts d/background_caps.txt -o K.mask
fails encode d/raw.mask cut_ims.npy -o mu.npy
sed '3s/ [^ ]*$//' d/vectors.txt > v.txt
fails vectors import v.txt -o V.mvec
fails eval d/raw.mask d/demo_precomp --split dev --folds 7 --save-sims s.npy
for f in K.mask mu.npy V.mvec s.npy; do [ "$(cat $f)" = old ] || echo "$f changed" >&2; done
