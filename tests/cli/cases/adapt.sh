#out K2.mask: adapted, epoch 2 of 2; held-out loss * -> *
#out knowledge      45 words of 3 or more regions, 1535 (region, word) pairs of 900 regions
#out encoder *, adapted
#out prototypes     shrunk by 15 pseudo-counts, with scenes and reliabilities
#out words          tokens by rule 'caption', 24-dimensional vectors of */cli-data/v.mvec
#out background     100 images, 1000 texts
#out made by        mask 0.2.0: learn knowledge --vectors v.mvec --encoder whiten -o white.mask
#out most frequent  yellow (89) green (88) orange (81) brown (73) black (72) white (71) blue (66) red (60) desert (45) water (44)
#out                       R@1    R@5   R@10    medr    meanr
#out text to image        53.5   85.1   92.4       1      4.0
#out   all words known    61.2   88.2   94.3       1      3.5
#out   with OOD words     36.6   78.3   88.2       2      5.2
#out image to text        66.5   91.5   99.0       1      2.6
#out Rs *
#out   ties: text to image R@1 53.5..53.5, R@5 85.1..85.1, R@10 92.4..92.4
#out   ties: image to text *
#out 200 images, 1000 texts; words: 2784 known, 345 OOD, 0 unusable; 0 texts without a usable word
#out calibration full from the background, whole image = region 0; * s
#err epoch 1: held-out loss *
#err epoch 2: held-out loss *
mask adapt d/full.mask --images d/background_ims.npy --texts d/background_caps.txt -o K2.mask --epochs 2 --temperature 0.1
mask info K2.mask
mask eval K2.mask d/demo_precomp --split dev
