#exit 1
#err mask: d/demo_precomp: its 200 images cannot be cut into --folds 7 equal parts
mask eval d/raw.mask d/demo_precomp --split dev --folds 7
