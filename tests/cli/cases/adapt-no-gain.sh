# What was learned in such steps is thrown away: the copy scores as the original.
#out {
#out  "file": "K2.mask",
#out  "epochs": 2,
#out *"kept": 0*
#out  "loss_before": 4.18518747,
#out  "loss_after": 4.18518747,
#out  "change": 0.0
#out }
#out same
mask adapt d/full.mask --images d/background_ims.npy --texts d/background_caps.txt -o K2.mask --rate 1000 --temperature 100 --quiet --json 2> /dev/null
a=$(mask eval d/full.mask d/demo_precomp --split dev | head -n 5) b=$(mask eval K2.mask d/demo_precomp --split dev | head -n 5)
test "$a" = "$b" && echo same
