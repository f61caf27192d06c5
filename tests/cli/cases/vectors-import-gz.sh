#out V.mvec: 47 words, 24 dimensions
gzip -c d/vectors.txt > v.gz
mask vectors import v.gz -o V.mvec --bits 16
