#out                       R@1    R@5   R@10    medr    meanr
#out text to image        14.4   34.4   46.5      13     24.5
#out   all words known    15.3   37.2   49.7      11     21.3
#out   with OOD words     12.4   28.3   39.5      15     31.6
#out image to text        29.0   49.5   63.5       6     26.4
#out Rs 237.3 (*)
#out   ties: text to image R@1 14.4..14.4, R@5 34.4..34.4, R@10 46.5..46.5
#out   ties: image to text R@1 28.5..30.0, R@5 49.5..49.5, R@10 63.5..63.5
#out 200 images, 1000 texts; words: 2784 known, 345 OOD, 0 unusable; 0 texts without a usable word
#out calibration full from the images and texts at hand (transductive*
mask eval d/raw.mask d/demo_precomp --split dev --calibrate full
