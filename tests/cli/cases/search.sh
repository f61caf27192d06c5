# A table; with --explain also what became of the words, and each word's best region.
#out     1 * *
#out     2     1.0851   15%  38
#out     3     0.9793   13%  195
#out     4     0.8951   12%  62
#out     5     0.8865   12%  198
#out     6     0.8761   12%  44
#out     7     0.8531   11%  177
#out     8     0.5465    8%  132
#out     9     0.4429    7%  185
#out    10 * *
#out a              not used: article
#out dog * known*
#out and            not used: conjunction
#out a              not used: article
#out puppy * OOD, weight *, from *dog *
#out     1 * *
#out * dog * region * (cosine *)*
#out         puppy          +5.042  region 2 (cosine 0.402)  32,60 122,170
#out     2     1.1011   13%  35
#out         dog            +4.938  region 3 (cosine 0.489)  120,60 210,170
#out         puppy          +4.218  region 3 (cosine 0.428)  120,60 210,170
#out     3     0.9990   12%  97
#out         dog            +4.523  region 3 (cosine 0.364)  120,60 210,170
#out         puppy          +3.690  region 3 (cosine 0.287)  120,60 210,170
#out 200 images searched, * scored from their regions, * ms; statistics from 100 background images and 200 of these
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search --quiet G.gallery "a dog on grass"
mask search --quiet G.gallery "a dog and a puppy" -k 3 --explain
