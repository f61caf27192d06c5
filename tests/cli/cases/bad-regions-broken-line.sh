#exit 1
#err mask: k/regions.tsv: line 5: *
mkdir k
cp d/knowledge/features.npy k
sed '5s/\t.*//' d/knowledge/regions.tsv > k/regions.tsv
mask learn k --vectors d/v.mvec -o K.mask
