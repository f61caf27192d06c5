#out puppy *unknown*
mask words d/full.mask puppy --ood off
