#out mask *.*.*
mask --version
