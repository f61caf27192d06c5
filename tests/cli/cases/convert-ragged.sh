# Images with different numbers of regions, rows in another order, some cut and written again.
#out images         200 x 1 to 3 regions x 64 dimensions, with boxes
#out cut_ims.npy: 200 images, 200 regions, 64 dimensions
#err warning: cut.tsv: skipped 20 damaged rows (the first, line 1, has features that are cut or do not fit num_boxes) and 0 repeated ones
set -e
mask convert d/demo_precomp --split dev -o b.tsv > /dev/null
tsv ragged b.tsv ragged.tsv
tsv cut ragged.tsv cut.tsv
mask info ragged.tsv
mask convert cut.tsv --regions 1 -o cut_ims.npy
