# The last value of the last image becomes NaN.
#exit 1
#err mask: x_ims.npy: *
head -c -4 d/background_ims.npy > x
printf '\000\000\300\177' >> x
mv x x_ims.npy
mask calibrate d/raw.mask --images x_ims.npy --texts d/background_caps.txt -o K.mask
