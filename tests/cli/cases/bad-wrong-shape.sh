#exit 1
#err mask: x_ims.npy: *
make-npy x_ims.npy 2 3 4 5
mask encode d/raw.mask x_ims.npy -o mu.npy
