#exit 1
#err mask: /nowhere/K.mask: cannot create: *
mask learn d/knowledge --encoder whiten --vectors d/v.mvec -o /nowhere/K.mask
