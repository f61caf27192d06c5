#out score *image 5
#out   dog * known *
#out   puppy * OOD *
#out region * box * dog *
mask score d/full.mask --images d/demo_precomp --split dev --image 5 --text "a dog and a puppy"
