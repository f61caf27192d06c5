#exit 2
#err mask calibrate: --images IMAGES is needed*
mask calibrate d/raw.mask -o K.mask
