#exit 2
#err mask eval: --pool frob: must be one of max-mean, *
mask eval d/raw.mask d/demo_precomp --split dev --pool frob
