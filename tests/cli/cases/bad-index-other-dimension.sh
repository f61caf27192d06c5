#exit 1
#err mask: x_ims.npy: its features have 32 dimensions, the knowledge was learned on 64: *
make-npy x_ims.npy 10 8 32
mask index d/full.mask x_ims.npy -o G.gallery
