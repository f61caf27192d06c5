#exit 1
#err mask: d/v.mvec: byte 0: is not a MASKKNOW file*
mask eval d/v.mvec d/demo_precomp --split dev
