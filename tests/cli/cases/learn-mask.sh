# The default preset brings the training's options along.
#out K.mask: * words from * regions, encoder mask 64 -> 32
mask learn d/knowledge --vectors d/v.mvec --encoder mask --epochs 1 --dim 32 --quiet -o K.mask
