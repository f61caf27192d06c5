# Presets of matching are their options, over whatever the knowledge was calibrated with.
set -e
sims() { out=$1; shift; mask eval d/full.mask d/demo_precomp --split dev --save-sims $out "$@" > /dev/null; }
sims a.npy --preset section9
sims b.npy --top 3 --context 0.5 --ood-temperature 0.15 --ood-company 0 --scene 0 --text-power 0 --image-power 0 \
    --hub-image 0.6 --hub-neighbours 50 --hub-words 0
sims c.npy
sims e.npy --preset tuned
cmp a.npy b.npy
cmp c.npy e.npy
! cmp -s a.npy c.npy
mask calibrate d/white.mask --images d/background_ims.npy --texts d/background_caps.txt --preset section9 -o K.mask > /dev/null
mask eval K.mask d/demo_precomp --split dev --save-sims k.npy > /dev/null
cmp a.npy k.npy
