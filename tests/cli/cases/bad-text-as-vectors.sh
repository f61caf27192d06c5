#exit 1
#err mask: d/vectors.txt: byte 0: is not a MASKMVEC file*
mask learn d/knowledge --vectors d/vectors.txt -o K.mask
