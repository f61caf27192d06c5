#exit 1
#err mask: x.tsv: line 3: byte *: the features of image 2 are not base64 there: remove the line or extract the image again
mask convert d/demo_precomp --split dev -o b.tsv > /dev/null
tsv spoil b.tsv x.tsv
mask encode d/raw.mask x.tsv -o mu.npy
