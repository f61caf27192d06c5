#exit 1
#err mask: x_ims.npy: image 2: the id 'a' stood before: *
make-npy x_ims.npy 3 8 64
printf 'a\nb\na\n' > x_ids.txt
mask index d/full.mask x_ims.npy -o G.gallery
