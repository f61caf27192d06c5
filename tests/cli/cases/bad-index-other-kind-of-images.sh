# Region 0 is the whole image there, here it is not.
#exit 1
#err mask: x_ims.npy: in this gallery region 0 is the whole image, in these images it is not: *
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
make-npy x_ims.npy 10 8 64
mask index add G.gallery x_ims.npy
