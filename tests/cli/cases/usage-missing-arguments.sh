#exit 2
#out
#err mask eval: expected K.mask DATA (see: mask help eval)
mask eval d/raw.mask
