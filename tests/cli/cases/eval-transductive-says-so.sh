#out calibration full from the images and texts at hand (transductive*
mask eval d/raw.mask d/demo_precomp --split dev --calibrate full
