#out * R@1 * R@5 * R@10 *
#out text to image *
#out image to text *
#out Rs [0-9]*
#out 200 images, 1000 texts; words: *
#out calibration full from the background, *
mask eval d/full.mask d/demo_precomp --split dev
