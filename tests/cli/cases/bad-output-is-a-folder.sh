#exit 1
#err mask: K.mask: cannot create: Is a directory*
mkdir K.mask
mask learn d/knowledge --encoder whiten --vectors d/v.mvec -o K.mask
