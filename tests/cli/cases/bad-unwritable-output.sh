#exit 1
#out
#err mask: /nowhere/K.mask: cannot create: *
mask learn d/knowledge --encoder whiten --vectors d/v.mvec -o /nowhere/K.mask
