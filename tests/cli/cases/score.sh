#out score *image 5
#out   dog * known *
#out   puppy * OOD *
#out   text: mean 0.0000, deviation 2.1658 over the background; hubness: image 0.3326, text 0.8635
#out
#out region * box * dog *
#out      0  0,0 224,224                   0.184     0.134
#out      1  20,60 110,170                 0.312     0.224
#out      2  32,60 122,170                -0.029    -0.182
#out      3  120,60 210,170                0.151     0.108
#out      4  132,60 222,170                0.254     0.353
#out      5  41,120 111,220                0.018    -0.075
#out      6  1,120 71,220                  0.014    -0.075
#out      7  7,120 77,220                  0.144     0.128
mask score d/full.mask --images d/demo_precomp --split dev --image 5 --text "a dog and a puppy"
