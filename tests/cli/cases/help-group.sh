#out   mask vectors import*
#out   mask vectors near*
mask help vectors
