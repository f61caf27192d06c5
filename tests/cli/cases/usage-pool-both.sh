# The mean of two poolings is no longer there; the line names those that are.
#exit 2
#err mask eval: --pool both: must be one of max-mean, region-max, mean (see: mask help eval)
mask eval d/full.mask d/demo_precomp --split dev --pool both
