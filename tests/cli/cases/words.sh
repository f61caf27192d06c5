#out dog *known*
#out puppy *OOD *dog*
#out the *dropped *
#out blorp *unknown *
mask words d/full.mask "dog puppy" the blorp
