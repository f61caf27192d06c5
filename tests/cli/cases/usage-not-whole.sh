#exit 2
#err mask eval: --top 1.5: must be a whole number *
mask eval d/raw.mask d/demo_precomp --split dev --top 1.5
