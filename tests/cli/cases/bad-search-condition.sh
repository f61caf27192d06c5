#exit 1
#err mask: *
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search G.gallery dog --where "no_such_column = 1"
