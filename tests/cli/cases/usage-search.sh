#exit 2
#err mask search: expected a text, --image PHOTO or --queries FILE (see: mask help search)
mask search G.gallery
