#exit 1
#err mask: *dev_caps.txt: *
mkdir p
cp d/demo_precomp/* p
rm p/dev_caps.txt
mask eval d/raw.mask p --split dev
