#exit 2
#out
#err mask annotate: --texts FILE is needed (see: mask help annotate)
mask annotate G.gallery
