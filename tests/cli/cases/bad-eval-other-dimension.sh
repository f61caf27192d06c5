#exit 1
#err mask: *p/dev_ims.npy: its features have 32 dimensions, *
mkdir p
cp d/demo_precomp/dev_caps.txt p
make-npy p/dev_ims.npy 200 8 32
mask eval d/raw.mask p --split dev
