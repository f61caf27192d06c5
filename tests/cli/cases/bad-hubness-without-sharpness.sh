#exit 1
#err mask: *sharpness*
mask eval d/full.mask d/demo_precomp --split dev --hub-neighbours 0 --hub-text-sharpness 0
