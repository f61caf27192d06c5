#exit 1
#err mask: nope.mask: cannot open: *
mask eval nope.mask d/demo_precomp --split dev
