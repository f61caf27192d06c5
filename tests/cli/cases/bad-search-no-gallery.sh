#exit 1
#out
#err mask: nowhere*
mask search nowhere dog
