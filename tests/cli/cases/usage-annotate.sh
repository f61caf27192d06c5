#exit 2
#err mask annotate: --texts FILE is needed (see: mask help annotate)
mask annotate G.gallery
