#exit 2
#out
#err mask: there is no command 'frob' (see: mask help)
mask frob
