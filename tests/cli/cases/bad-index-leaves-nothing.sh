# A first index that fails leaves no empty gallery; one that fails on a gallery with images leaves them.
#err mask: x_ims.npy: its features have 32 dimensions, the knowledge was learned on 64: extract both alike
#err mask: x_ims.npy: its features have 32 dimensions, the knowledge was learned on 64: extract both alike
set -e
make-npy x_ims.npy 10 8 32
if mask index d/full.mask x_ims.npy -o G.gallery; then exit 9; fi
test ! -e G.gallery
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
if mask index d/full.mask x_ims.npy -o G.gallery; then exit 9; fi
mask search G.gallery dog -k 1 > /dev/null
# Searching needs no room on the disk (the pipe is no file) but for the 1,024 bytes that LLVM's OpenMP begins with.
trap '' XFSZ
(ulimit -f 2; mask search G.gallery dog -k 3) | cat > full
mask search G.gallery dog -k 3 > usual
cmp full usual
