#err epoch 1: held-out loss *
#err epoch 2: held-out loss *
#out K2.mask: adapted, epoch 2 of 2; held-out loss * -> *
#out encoder *, adapted
#out Rs *
mask adapt d/full.mask --images d/background_ims.npy --texts d/background_caps.txt -o K2.mask --epochs 2 --temperature 0.1
mask info K2.mask
mask eval K2.mask d/demo_precomp --split dev
