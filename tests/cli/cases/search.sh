# A table; with --explain also what became of the words, and each word's best region.
#out     1 * *
#out     2     0.9912  35
#out     3     0.7314  195
#out     4     0.7044  62
#out     5     0.6507  177
#out     6     0.6270  44
#out     7     0.6207  198
#out     8     0.3409  70
#out     9     0.2591  185
#out    10 * *
#out a              not used: article
#out dog * known*
#out and            not used: conjunction
#out a              not used: article
#out puppy * OOD, weight *, from *dog *
#out     1 * *
#out * dog * region * (cosine *)*
#out         puppy          +4.639  region 2 (cosine 0.402)  32,60 122,170
#out     2     0.8219  35
#out         dog            +4.489  region 3 (cosine 0.489)  120,60 210,170
#out         puppy          +3.865  region 3 (cosine 0.428)  120,60 210,170
#out     3     0.8120  70
#out         dog            +3.895  region 2 (cosine 0.555)  32,60 122,170
#out         puppy          +2.765  region 2 (cosine 0.412)  32,60 122,170
#out 200 images searched, * scored from their regions, * ms
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search G.gallery "a dog on grass"
mask search G.gallery "a dog and a puppy" -k 3 --explain
