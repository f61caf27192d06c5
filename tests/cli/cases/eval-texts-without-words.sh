# Nothing can be said of such texts; nothing breaks either.
#out                       R@1    R@5   R@10    medr    meanr
#out text to image         0.0    0.0    0.0     100    100.5
#out image to text         0.0    0.0    0.0     498    498.5
#out Rs 0.0 (*)
#out   ties: text to image R@1 0.0..100.0, R@5 0.0..100.0, R@10 0.0..100.0
#out   ties: image to text R@1 0.0..100.0, R@5 0.0..100.0, R@10 0.0..100.0
#out *; 1000 texts without a usable word
#out calibration full from the background, whole image = region 0; * s
sed 's/.*/blorp/' d/demo_precomp/dev_caps.txt > caps.txt
mask eval d/full.mask d/demo_precomp --split dev --captions caps.txt
