#out K.mask: * words from 900 regions, encoder mask 64 -> 8
mask learn d/knowledge --vectors d/v.mvec -o K.mask --preset paper --epochs 1 --dim 8 --prototype random --quiet
