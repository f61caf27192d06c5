#exit 2
#err mask eval: --split needs a value (S) (see: mask help eval)
mask eval d/raw.mask d/demo_precomp --split
