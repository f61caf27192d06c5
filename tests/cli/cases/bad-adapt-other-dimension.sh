#exit 1
#err mask: d/demo_precomp/dev_boxes.npy: *
mask adapt d/full.mask --images d/demo_precomp/dev_boxes.npy --texts d/background_caps.txt -o K2.mask
