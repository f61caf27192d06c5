#exit 2
#err mask score: --image ID is needed*
mask score d/raw.mask --images d/demo_precomp
