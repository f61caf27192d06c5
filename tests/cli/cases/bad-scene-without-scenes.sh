# A knowledge without scenes says so when they are asked for, and does without them otherwise.
#exit 1
#out Rs *
#err mask: the knowledge was learned without scenes: use --scene 0, or learn it again with them
set -e
mask learn d/knowledge --encoder whiten --vectors d/v.mvec --no-scenes -o plain.mask > /dev/null
mask calibrate plain.mask --images d/background_ims.npy --texts d/background_caps.txt -o K.mask > /dev/null
mask eval K.mask d/demo_precomp --split dev
mask eval K.mask d/demo_precomp --split dev --scene 0.8
