#out K.mask: * words from 900 regions, encoder whiten 64 -> 16
mask learn d/knowledge --encoder whiten --vectors d/v.mvec -o K.mask --whiten-dim 16
