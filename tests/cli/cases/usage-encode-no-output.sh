#exit 2
#err mask encode: -o MU.npy is needed*
mask encode d/raw.mask d/background_ims.npy
