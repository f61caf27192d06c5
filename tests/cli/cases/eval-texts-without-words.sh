# Nothing can be said of such texts; nothing breaks either.
#out Rs 0.0
#out *; 1000 texts without a usable word
sed 's/.*/blorp/' d/demo_precomp/dev_caps.txt > caps.txt
mask eval d/full.mask d/demo_precomp --split dev --captions caps.txt
