#exit 1
#out
#err mask: nope.txt: *
mask vectors import nope.txt -o V.mvec
