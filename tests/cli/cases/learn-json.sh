mask learn d/knowledge --vectors d/v.mvec -o K.mask --encoder none --json | has-keys file words regions pairs dimensions encoder
