# encode gives the same bytes whatever file the features are in; images is score's and calibrate's, too.
#out demo.npy: 200 images x 8 regions x 64 dimensions
#out ten.npy: 200 images x 8 regions x 64 dimensions
#out folder.npy: 200 images x 8 regions x 64 dimensions
#out *score*
#out k.mask: *
set -e
mask convert d/demo_precomp --split dev -o six.tsv > /dev/null
mask convert six.tsv -o folder > /dev/null
tsv lxmert six.tsv ten.tsv
mask encode d/white.mask d/demo_precomp --split dev -o demo.npy
mask encode d/white.mask ten.tsv -o ten.npy
mask encode d/white.mask folder -o folder.npy
cmp demo.npy ten.npy
cmp demo.npy folder.npy
mask score d/full.mask --images ten.tsv --image 7 --text "a dog on the grass"
mask calibrate d/white.mask --images folder --texts d/background_caps.txt -o k.mask
mask eval d/full.mask d/demo_precomp --split dev --json | grep -v seconds > a.json
mask eval d/full.mask six.tsv --split dev --captions d/demo_precomp/dev_caps.txt --json | grep -v seconds > b.json
cmp a.json b.json
