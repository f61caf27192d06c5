#exit 1
#err mask: cannot write the result to stdout
mask eval d/raw.mask d/demo_precomp --split dev --json > /dev/full
