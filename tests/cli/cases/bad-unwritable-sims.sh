#exit 1
#err mask: /nowhere/s.npy: cannot create: *
mask eval d/raw.mask d/demo_precomp --split dev --save-sims /nowhere/s.npy
