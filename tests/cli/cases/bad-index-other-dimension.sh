#exit 1
#err mask: x_ims.npy: features of 32 dimensions, but the gallery's knowledge was learned from 64: *
make-npy x_ims.npy 10 8 32
mask index d/full.mask x_ims.npy -o G.gallery
