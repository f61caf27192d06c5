#exit 2
#err mask learn: --min-count many: must be a whole number *
mask learn d/knowledge --vectors d/v.mvec -o K.mask --min-count many
