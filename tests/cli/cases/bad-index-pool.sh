#exit 1
#err mask: *pool*
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --pool region-max
