#exit 1
#err mask: p/dev_ims.npy has 200 images and p/dev_caps.txt has 999 captions: *
mkdir p
cp d/demo_precomp/* p
head -n 999 d/demo_precomp/dev_caps.txt > p/dev_caps.txt
mask eval d/raw.mask p --split dev
