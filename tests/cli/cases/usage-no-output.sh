#exit 2
#err mask learn: -o K.mask is needed*
mask learn d/knowledge --vectors d/v.mvec
