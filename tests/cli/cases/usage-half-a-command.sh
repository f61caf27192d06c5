#exit 2
#out
#err   mask vectors import *
#err   mask vectors near *
mask vectors
