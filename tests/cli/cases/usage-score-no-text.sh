#exit 2
#err mask score: --images, --image and --text are needed *
mask score d/raw.mask --images d/demo_precomp
