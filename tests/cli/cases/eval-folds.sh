#out                       R@1    R@5   R@10    medr    meanr
#out text to image        76.2   97.6   99.1       1      1.6
#out   all words known    79.3   97.4   99.1       1      1.5
#out   with OOD words     69.4   98.0   99.0       1      1.8
#out image to text        9*   98.0   99.5       1      1.3
#out Rs 560.*
#out   ties: text to image R@1 76.2..76.2, R@5 97.6..97.6, R@10 99.1..99.1
#out   ties: image to text R@1 90.0..91.0, R@5 98.0..98.0, R@10 99.5..99.5
#out 200 images, 1000 texts, mean of 5 folds; *
#out calibration full from the background, whole image = region 0; * s
mask eval d/full.mask d/demo_precomp --split dev --folds 5
