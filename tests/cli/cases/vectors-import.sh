#out V.mvec: 47 words, 24 dimensions
mask vectors import d/vectors.txt -o V.mvec
