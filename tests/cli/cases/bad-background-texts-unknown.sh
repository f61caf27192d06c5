#exit 1
#err mask: no background text has a word *
echo 'blorp frobnicate' > caps.txt
mask calibrate d/raw.mask --images d/background_ims.npy --texts caps.txt -o K.mask
