# A table; with --explain also what became of the words, and each word's best region.
#out     1 * *
#out    10 * *
#out dog * known*
#out puppy * OOD, weight *, from *dog *
#out     1 * *
#out * dog * region * (cosine *)*
#out 200 images searched, * scored from their regions, * ms
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search G.gallery "a dog on grass"
mask search G.gallery "a dog and a puppy" -k 3 --explain
