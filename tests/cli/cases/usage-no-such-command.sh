#exit 2
#err mask: there is no command 'frob' (see: mask help)
mask frob
