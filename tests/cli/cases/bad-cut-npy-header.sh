#exit 1
#err mask: x_ims.npy: *
head -c 40 d/background_ims.npy > x_ims.npy
mask encode d/raw.mask x_ims.npy -o mu.npy
