#out score 0.000000 *
#out   no word of the text can be used
mask score d/raw.mask --images d/demo_precomp --split dev --image 0 --text "blorp frobnicate"
