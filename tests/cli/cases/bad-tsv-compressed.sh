#exit 1
#err mask: b.tsv.gz: is compressed, *: run gunzip on it
mask convert d/demo_precomp --split dev -o b.tsv > /dev/null
gzip -1 b.tsv
mask info b.tsv.gz
