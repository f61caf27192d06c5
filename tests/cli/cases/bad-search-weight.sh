#exit 2
#err mask: query 'dog^x': after ^ stands a weight*
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search G.gallery 'dog^x'
