#out 200 images, 1000 texts, mean of 5 folds; *
mask eval d/full.mask d/demo_precomp --split dev --folds 5
