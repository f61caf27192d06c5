#exit 1
#err mask: r.tsv: image 1 (198) has 2 regions, the first has 1, and an array needs equal numbers: *at most 1
mask convert d/demo_precomp --split dev -o b.tsv > /dev/null
tsv ragged b.tsv r.tsv
mask convert r.tsv -o r_ims.npy
