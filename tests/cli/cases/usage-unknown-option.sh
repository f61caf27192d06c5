#exit 2
#err mask eval: unknown option --frob (see: mask help eval)
mask eval d/raw.mask d/demo_precomp --frob
