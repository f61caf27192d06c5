#exit 1
#err mask: d/demo_precomp/test_ims.npy: not found: the splits there are dev
mask eval d/raw.mask d/demo_precomp --split test
