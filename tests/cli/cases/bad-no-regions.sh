#exit 1
#err mask: nope: is not a folder: *
mask learn nope --vectors d/v.mvec -o K.mask
