mask eval d/raw.mask d/demo_precomp --split dev --save-sims S.npy > /dev/null
mask eval d/full.mask d/demo_precomp --split dev --save-sims S2.npy > /dev/null
mask rerank --base S.npy --with S2.npy --rule sum --folds 5 --top-k 5,15 --alpha 0.05,0.1,0.15 --json |
    has-keys images texts folds rule base.rsum base.t2i.r1 reranked seconds
