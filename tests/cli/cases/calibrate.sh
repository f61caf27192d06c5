#out K.mask: * background 100 images and 1000 texts
mask calibrate d/raw.mask --images d/background_ims.npy --texts d/background_caps.txt -o K.mask
