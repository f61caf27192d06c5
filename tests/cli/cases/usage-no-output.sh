#exit 2
#out
#err mask learn: -o FILE.mask is needed *
mask learn d/knowledge --vectors d/v.mvec
