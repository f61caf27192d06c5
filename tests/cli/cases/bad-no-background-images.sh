#exit 1
#err mask: nope_ims.npy: *
mask calibrate d/raw.mask --images nope_ims.npy --texts d/background_caps.txt -o K.mask
