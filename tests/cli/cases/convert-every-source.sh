# encode gives the same bytes whatever file the features are in; images is score's and calibrate's, too.
#out demo.npy: 200 images x 8 regions x 64 dimensions
#out ten.npy: 200 images x 8 regions x 64 dimensions
#out folder.npy: 200 images x 8 regions x 64 dimensions
#out *score*
#out   dog            known  weight 1.00  score +0.472  best region 7 (cosine 0.198)
#out   grass          known  weight 1.00  score -1.766  best region 4 (cosine 0.063)
#out   text: mean -0.0000, deviation 1.4581 over the background; hubness: image 0.5410, text 0.6870
#out
#out region  box                             dog     grass
#out      0  0,0 224,224                   0.117    -0.063
#out      1  20,60 110,170                -0.033    -0.131
#out      2  32,60 122,170                -0.144    -0.146
#out      3  120,60 210,170               -0.173    -0.108
#out      4  132,60 222,170               -0.097     0.063
#out      5  55,120 125,220                0.074    -0.125
#out      6  71,120 141,220                0.032    -0.059
#out      7  22,120 92,220                 0.198    -0.226
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
mask eval d/full.mask d/demo_precomp --split dev --json | sed "/seconds/d; /\"run\"/,\$d" > a.json
mask eval d/full.mask six.tsv --split dev --captions d/demo_precomp/dev_caps.txt --json | sed "/seconds/d; /\"run\"/,\$d" > b.json
cmp a.json b.json
