#exit 1
#err mask: /nowhere/mu.npy: cannot create: *
mask encode d/raw.mask d/background_ims.npy -o /nowhere/mu.npy
