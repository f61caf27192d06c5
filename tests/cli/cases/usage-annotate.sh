#exit 2
#err mask annotate: --texts FILE is needed: texts, one per line*
mask annotate G.gallery
