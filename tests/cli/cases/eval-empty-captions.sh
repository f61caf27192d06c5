# An empty line is an empty text and keeps its place.
#out                       R@1    R@5   R@10    medr    meanr
#out text to image        53.9   85.4   91.7       1      4.1
#out   all words known    61.8   88.6   94.0       1      3.5
#out   with OOD words     36.7   78.6   86.9       2      5.2
#out image to text        67.5   91.5   98.0       1      2.5
#out Rs 488.0
#out   ties: text to image R@1 53.9..54.0, R@5 85.4..85.5, R@10 91.7..91.8
#out   ties: image to text R@1 67.5..68.0, R@5 91.0..91.5, R@10 98.0..98.0
#out 200 images, 1000 texts; * 1 texts without a usable word
#out calibration full from the background, whole image = region 0; * s
sed '7s/.*//' d/demo_precomp/dev_caps.txt > caps.txt
mask eval d/full.mask d/demo_precomp --split dev --captions caps.txt
