#exit 2
#err mask eval: --folds 0: must be *
mask eval d/raw.mask d/demo_precomp --split dev --folds 0
