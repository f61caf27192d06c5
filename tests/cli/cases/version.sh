#out mask [0-9]*.[0-9]*.[0-9]*
mask --version
