#exit 2
#err   mask vectors import *
#err   mask vectors near *
mask vectors
