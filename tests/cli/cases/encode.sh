#out MU.npy: 200 images x 8 regions x 64 dimensions
#out images * 200 x 8 regions x 64 dimensions
mask encode d/white.mask d/demo_precomp --split dev -o MU.npy
mask info MU.npy
