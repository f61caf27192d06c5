mask words d/full.mask puppy --json | has-keys token word kind reason count weight neighbours.word neighbours.cosine
