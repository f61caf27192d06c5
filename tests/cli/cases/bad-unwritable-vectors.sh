#exit 1
#err mask: /nowhere/V.mvec: cannot create: *
mask vectors import d/vectors.txt -o /nowhere/V.mvec
