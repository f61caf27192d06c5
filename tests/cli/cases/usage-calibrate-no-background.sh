#exit 2
#err mask calibrate: --images and --texts are needed*
mask calibrate d/raw.mask -o K.mask
