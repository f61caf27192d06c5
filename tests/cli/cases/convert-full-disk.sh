# Ids and features belong together: when the features do not fit, the old ids stay.
#out x_ims.npy: 200 images, 1600 regions, 64 dimensions
#out 0
#out 1
#out 0
#err mask: x_ims.npy: cannot write: File too large
set -e
mask convert d/demo_precomp --split dev -o x_ims.npy
sed 's/^/new-/' d/demo_precomp/dev_ids.txt > ids
mkdir new
cp d/demo_precomp/dev_ims.npy new/y_ims.npy
cp d/demo_precomp/dev_boxes.npy new/y_boxes.npy
cp ids new/y_ids.txt
head -1 x_ids.txt
set +e
trap '' XFSZ
(ulimit -f 64; mask convert new/y_ims.npy -o x_ims.npy)
echo $?
head -1 x_ids.txt
