#exit 2
#err mask rerank: --base S.npy is needed*
#err mask rerank: give --knowledge K.mask, or --with S2.npy*
#err mask rerank: give --knowledge K.mask, or --with S2.npy*
#err mask rerank: --knowledge needs DATA and --split*
#err mask rerank: --alpha 0.1,: must be numbers *
#err mask rerank: --top-k 1.5: must be whole numbers *
#err mask rerank: --save-sims needs one --top-k*
mask rerank
mask rerank --base S.npy
mask rerank --base S.npy --with T.npy --knowledge K.mask
mask rerank --base S.npy --knowledge K.mask
mask rerank --base S.npy --with T.npy --alpha 0.1,
mask rerank --base S.npy --with T.npy --top-k 1.5
mask rerank --base S.npy --with T.npy --alpha 1,2 --save-sims O.npy
