#exit 1
#err mask: k/regions.tsv: *
mkdir k
cp d/knowledge/features.npy k
head -n 800 d/knowledge/regions.tsv > k/regions.tsv
mask learn k --vectors d/v.mvec -o K.mask
