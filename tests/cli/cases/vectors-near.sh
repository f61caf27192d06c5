#out 0.9* puppy
mask vectors near d/v.mvec dog -k 3
