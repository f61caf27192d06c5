set -e
mask info d/full.mask --json | has-keys kind words features dimensions encoder background_images vectors provenance
mask info d/v.mvec --json | has-keys kind words dimensions
mask info d/knowledge --json | has-keys kind regions images dimensions
mask info d/background_ims.npy --json | has-keys kind images regions dimensions boxes
