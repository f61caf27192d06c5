#out G.gallery: 200 images added, 0 replaced, 0 there already; * images/s
#out 200 images in 1 segments, 1923 bytes an image, statistics from 100 background images and 200 of these
#out x_ims.npy: 200 images, 1600 regions, 64 dimensions
#out     1     1.3393   52%  177
#out images         200 x 8 regions x 64 dimensions, with boxes
#out <!doctype html>p.html
#out x_ids.txt
#out x_ims.npy
#err file://*.html
mkdir real
for file in x_ims.npy x_ids.txt p.html; do
    echo old > real/$file
    ln -s real/$file $file
done
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery
mask convert d/demo_precomp --split dev -o x_ims.npy
mask search G.gallery dog -k 1 --html p.html
for file in x_ims.npy x_ids.txt p.html; do
    [ -L $file ] || echo "$file: the link is gone"
    [ real/$file -nt d/full.mask ] || echo "real/$file: not written"
done
mask info x_ims.npy
head -c 15 real/p.html
ls real
