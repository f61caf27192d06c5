#exit 1
#err mask: nope.txt: *
mask vectors import nope.txt -o V.mvec
