#out knowledge *
#out background     100 images, 1000 texts
#out word vectors   47 words, 24 dimensions*
#out labelled       900 regions of 300 images, 64 dimensions
#out images         200 x 8 regions x 64 dimensions, with boxes
mask info d/full.mask
mask info d/v.mvec
mask info d/knowledge
mask info d/demo_precomp --split dev
