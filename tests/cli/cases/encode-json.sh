mask encode d/raw.mask d/background_ims.npy -o MU.npy --json | has-keys file images regions dimensions
