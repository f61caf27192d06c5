#exit 1
#err mask: d/demo_precomp: has no image '4711': *
mask score d/raw.mask --images d/demo_precomp --split dev --image 4711 --text dog
