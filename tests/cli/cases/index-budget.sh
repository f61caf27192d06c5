#out G.gallery: 200 images added*
#out index * 2 regions an image kept, 400 regions
#out scores * pooling mean, calibration none
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --budget 2 --calibrate none --pool mean
mask info G.gallery
