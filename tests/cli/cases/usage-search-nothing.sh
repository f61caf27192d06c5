#exit 2
#err mask search: expected a gallery, or --photos FOLDER (see: mask help search)
mask search
