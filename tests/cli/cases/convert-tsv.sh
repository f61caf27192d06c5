# A TSV that another program reads, back to the bytes it came from, by way of .npz.
#out b.tsv: 200 images, 1600 regions, 64 dimensions
#out 0 0 0 8 64 4046.0000 641.3980
#out 199 0 0 8 64 4180.0000 637.5230
#out images         200 x 8 regions x 64 dimensions, with boxes
#out folder: 200 images, 1600 regions, 64 dimensions
#out images         200 x 8 regions x 64 dimensions, with boxes
#out c_ims.npy: 200 images, 1600 regions, 64 dimensions
set -e
mask convert d/demo_precomp --split dev -o b.tsv
tsv show b.tsv | sed -n "1p;\$p"
mask info b.tsv
mask convert b.tsv -o folder
mask info folder
mask convert folder -o c_ims.npy
cmp c_ims.npy d/demo_precomp/dev_ims.npy
cmp c_boxes.npy d/demo_precomp/dev_boxes.npy
cmp c_ids.txt d/demo_precomp/dev_ids.txt
