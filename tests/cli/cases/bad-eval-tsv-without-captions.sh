#exit 1
#err mask: b.tsv: has no captions beside it: name a file of them (--captions FILE)
mask convert d/demo_precomp --split dev -o b.tsv > /dev/null
mask eval d/raw.mask b.tsv --split dev
