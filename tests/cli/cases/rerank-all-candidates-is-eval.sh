# With every item a candidate and the base of no weight, a re-ranking is our own ranking; saved lists rank alike.
set -e
mask eval d/raw.mask d/demo_precomp --split dev --save-sims S.npy > /dev/null
ours=$(mask eval d/full.mask d/demo_precomp --split dev | grep '^Rs' | cut -d' ' -f2)
mask rerank --base S.npy --knowledge d/full.mask d/demo_precomp --split dev --top-k 1000 --alpha 1000000 --save-sims out.npy > table
grep -q " $ours +" table
test -s out-t2i.npy && test -s out-i2t.npy
