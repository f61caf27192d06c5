#exit 1
#err mask: nope.txt: *
mask calibrate d/raw.mask --images d/background_ims.npy --texts nope.txt -o K.mask
