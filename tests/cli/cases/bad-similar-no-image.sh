#exit 1
#err mask: G.gallery: has no image '4711'*
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask similar G.gallery 4711
