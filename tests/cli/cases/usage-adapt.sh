#exit 2
#err mask adapt: -o FILE.mask is needed*
#err mask adapt: --images and --texts are needed*
#err mask adapt: --temperature 0: must be *
mask adapt K.mask
mask adapt K.mask -o K2.mask --images x.npy
mask adapt K.mask -o K2.mask --temperature 0
