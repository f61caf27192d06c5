#exit 1
#out
#err mask: d/vectors.txt: *
mask info d/vectors.txt
