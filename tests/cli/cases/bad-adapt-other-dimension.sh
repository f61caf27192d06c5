#exit 1
#err mask: d/knowledge/features.npy: *
#out
mask adapt d/full.mask --images d/knowledge/features.npy --texts d/background_caps.txt -o K2.mask
