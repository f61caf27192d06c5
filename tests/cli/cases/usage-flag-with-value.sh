#exit 2
#err mask eval: --json takes no value *
mask eval d/raw.mask d/demo_precomp --split dev --json=1
