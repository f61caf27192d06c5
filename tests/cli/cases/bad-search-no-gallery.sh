#exit 1
#err mask: nowhere*
mask search nowhere dog
