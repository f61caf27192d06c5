#exit 2
#err mask eval: expected K.mask DATA (see: mask help eval)
mask eval d/raw.mask
