#exit 1
#err mask: caps.txt: is empty*
: > caps.txt
mask calibrate d/raw.mask --images d/background_ims.npy --texts caps.txt -o K.mask
