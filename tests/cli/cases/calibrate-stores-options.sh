# Options given to calibrate are the knowledge's defaults from then on.
set -e
mask calibrate d/white.mask --images d/background_ims.npy --texts d/background_caps.txt -o K.mask --top 2 --pool region-max > /dev/null
mask eval K.mask d/demo_precomp --split dev --save-sims a.npy > /dev/null
mask eval d/full.mask d/demo_precomp --split dev --save-sims b.npy --top 2 --pool region-max > /dev/null
cmp a.npy b.npy
