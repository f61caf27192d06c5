#exit 2
#err mask learn: -o FILE.mask is needed *
mask learn d/knowledge --vectors d/v.mvec
