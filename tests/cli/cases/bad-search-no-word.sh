#exit 1
#err mask: 'blorp': no word of it has a prototype or a word vector*
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search G.gallery blorp
