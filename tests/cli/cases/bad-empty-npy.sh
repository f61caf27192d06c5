#exit 1
#err mask: x_ims.npy: *
: > x_ims.npy
mask encode d/raw.mask x_ims.npy -o mu.npy
