#out                       R@1    R@5   R@10    medr    meanr
#out text to image        53.4   85.2   92.4       1      4.0
#out   all words known    61.1   88.3   94.3       1      3.5
#out   with OOD words     36.6   78.3   88.2       2      5.2
#out image to text        67.5   91.5   98.5       1      2.6
#out Rs 488.5 (*)
#out   ties: text to image R@1 53.4..53.4, R@5 85.2..85.2, R@10 92.4..92.4
#out   ties: image to text R@1 67.0..68.0, R@5 91.0..91.5, R@10 98.5..98.5
#out 200 images, 1000 texts; *
#out calibration full from the background, whole image = region 0; * s
mask eval d/full.mask d/demo_precomp --split dev --captions - < d/demo_precomp/dev_caps.txt
