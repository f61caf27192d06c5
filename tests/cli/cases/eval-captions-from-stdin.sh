#out 200 images, 1000 texts; *
mask eval d/full.mask d/demo_precomp --split dev --captions - < d/demo_precomp/dev_caps.txt
