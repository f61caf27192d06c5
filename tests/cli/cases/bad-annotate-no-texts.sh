#exit 1
#err mask: nowhere.txt*
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask annotate G.gallery --texts nowhere.txt
