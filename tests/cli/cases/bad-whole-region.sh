#exit 1
#err mask: image 0 has 8 regions, so region 99 *
mask eval d/full.mask d/demo_precomp --split dev --whole-region 99
