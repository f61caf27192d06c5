#exit 1
#out
#err mask: nope: *
mask eval d/raw.mask nope --split dev
