# A classifier's head beside labelled regions: its classes become words.
#out K.mask: 45 words from 900 regions, encoder whiten 64 -> 64
#out boat             known    29 regions
#out alone.mask: 1 words from 800 regions, encoder whiten 64 -> 64
#out boat             known    3 regions
#out dog              OOD      weight 0.21, from boat 0.41 (100%)
#out mask learn: expected REGIONS, or --images and --head: classes alone, on features without labels (see: mask help learn)
set -e
make-npy W.npy 2 64
printf 'zebra, striped animal\nboat, craft\n' > labels.txt
mask learn d/knowledge --vectors d/v.mvec --encoder whiten --head W.npy --head-labels labels.txt -o K.mask
mask words K.mask boat
mask learn --images d/background_ims.npy --vectors d/v.mvec --head W.npy --head-labels labels.txt -o alone.mask
mask words alone.mask boat dog
mask learn --images d/background_ims.npy --vectors d/v.mvec -o no.mask 2>&1 || true
[ ! -e no.mask ]
