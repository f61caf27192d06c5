# The last value of the last image becomes NaN.
#exit 1
#err mask: x_ims.npy: *
head -c -4 d/background_ims.npy > x
printf '\000\000\300\177' >> x
mv x x_ims.npy
mask encode d/white.mask x_ims.npy -o mu.npy
