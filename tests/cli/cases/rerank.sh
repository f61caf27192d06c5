# Candidates in our order gain on a weaker base; alpha 0 changes nothing.
#out top-k * alpha *
#out base *
#out    15 * 0 * +0.0
#out    15 * 1 * +*
#out 200 images, 1000 texts; rule zscore; *
mask eval d/raw.mask d/demo_precomp --split dev --save-sims S.npy > /dev/null
mask rerank --base S.npy --knowledge d/full.mask d/demo_precomp --split dev --top-k 15 --alpha 0,1
