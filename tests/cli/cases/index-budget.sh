#out G.gallery: 200 images added*
#out 200 images in 1 segments, 1020 bytes an image
#out gallery        200 images in 1 segments, 0 removed or replaced since; generation 2
#out index * 2 regions an image kept, 400 regions
#out scores * pooling mean, calibration none
#out size           204000 bytes, 1020 an image
#out word vectors   */cli-data/v.mvec
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --budget 2 --calibrate none --pool mean
mask info G.gallery
