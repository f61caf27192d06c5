#exit 1
#err mask: nope: *
mask eval d/raw.mask nope --split dev
