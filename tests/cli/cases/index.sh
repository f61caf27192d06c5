# Made; made again there is nothing to do; changed; compacted; verified.
#out G.gallery: 200 images added, 0 replaced, 0 there already; * images/s
#out 200 images in 4 segments, * bytes an image, statistics from 100 background images and 200 of these
#out G.gallery: nothing to do: all 200 images are there
#out 200 images in 4 segments, * bytes an image, statistics from 100 background images and 200 of these
#out G.gallery: 3 images removed, 1 ids were not there
#out G.gallery: 2 images removed
#out G.gallery: 5 images added, 0 replaced, 195 there already; * images/s
#out 200 images in 5 segments, * bytes an image, statistics from 100 background images and 200 of these
#out G.gallery: 4 segments of * bytes, before 5 of *; * bytes an image
#out G.gallery: 200 images in 4 segments; checksums are right
#out gallery * 200 images in 4 segments, 5 removed or replaced since; generation *
#out index * 45 words, 64 dimensions, all regions an image kept, 1600 regions
#out scores         pooling max-mean, calibration full, statistics from 100 background images and 200 of these
#out size * bytes, * an image
#out word vectors*
make="mask index d/full.mask d/demo_precomp --split dev -o G.gallery --segment-images 60"
set -e
$make
$make
mask index remove G.gallery 3 4 5 nobody
printf '6\n7\n' | mask index remove G.gallery --ids -
mask index add G.gallery d/demo_precomp --split dev
mask index compact G.gallery
mask index verify G.gallery
mask info G.gallery
