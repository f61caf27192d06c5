#exit 2
#err mask eval: --split is needed *
mask eval d/raw.mask d/demo_precomp
