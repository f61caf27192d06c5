#out 0.9* puppy
#out 0.6268  skateboard
#out 0.4909  bus
mask vectors near d/v.mvec dog -k 3
