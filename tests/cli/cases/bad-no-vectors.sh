#exit 1
#err mask: nope.mvec: cannot open: *
mask learn d/knowledge --vectors nope.mvec -o K.mask
