#exit 1
#out
#err mask: nope: *
mask info nope
