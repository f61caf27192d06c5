#out knowledge *
#out encoder        whiten, 64 -> 64 dimensions, eigenvalue shrink 1.6
#out prototypes     shrunk by 15 pseudo-counts, with scenes and reliabilities
#out words          tokens by rule 'caption', 24-dimensional vectors of */cli-data/v.mvec
#out background     100 images, 1000 texts
#out made by        mask 0.2.0: learn knowledge --vectors v.mvec --encoder whiten -o white.mask
#out most frequent  yellow (89) green (88) orange (81) brown (73) black (72) white (71) blue (66) red (60) desert (45) water (44)
#out word vectors   47 words, 24 dimensions*
#out labelled       900 regions of 300 images, 64 dimensions
#out images         200 x 8 regions x 64 dimensions, with boxes
mask info d/full.mask
mask info d/v.mvec
mask info d/knowledge
mask info d/demo_precomp --split dev
