#exit 2
#err mask convert: -o OUT is needed*
#err mask convert: -o x.h5: name a *
#err mask convert: --half is for a *
mask convert d/background_ims.npy
mask convert d/background_ims.npy -o x.h5
mask convert d/background_ims.npy -o x.tsv --half
