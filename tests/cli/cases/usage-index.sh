#exit 2
#err mask index: -o G.gallery is needed*
#err mask index: --budget 0: must be all or a whole number from 1 to 100000 *
#err mask index remove: which images? *
#err mask index add: expected G.gallery IMAGES *
mask index d/full.mask d/demo_precomp --split dev
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --budget 0
mask index remove G.gallery
mask index add G.gallery
