#exit 2
#err mask help: there is no command 'frob' (see: mask help)
mask help frob
