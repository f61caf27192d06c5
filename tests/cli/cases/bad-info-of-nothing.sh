#exit 1
#err mask: nope: *
mask info nope
