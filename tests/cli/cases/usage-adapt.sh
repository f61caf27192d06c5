#exit 2
#err mask adapt: -o K2.mask is needed*
#err mask adapt: --texts FILE is needed*
#err mask adapt: --temperature 0: must be *
mask adapt K.mask
mask adapt K.mask -o K2.mask --images x.npy
mask adapt K.mask -o K2.mask --images x.npy --texts t.txt --temperature 0
