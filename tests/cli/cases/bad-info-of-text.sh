#exit 1
#err mask: d/vectors.txt: *
mask info d/vectors.txt
