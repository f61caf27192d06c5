# A classifier's head beside labelled regions: its classes become words.
#out K.mask: 45 words from 900 regions, encoder whiten 64 -> 64
#out boat             known    29 regions
set -e
make-npy W.npy 2 64
printf 'zebra, striped animal\nboat, craft\n' > labels.txt
mask learn d/knowledge --vectors d/v.mvec --encoder whiten --head W.npy --head-labels labels.txt -o K.mask
mask words K.mask boat
