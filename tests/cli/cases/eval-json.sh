mask eval d/full.mask d/demo_precomp --split dev --json |
    has-keys images texts t2i.r1 t2i.r5 t2i.r10 t2i.medr t2i.meanr i2t.r1 i2t.r5 i2t.r10 i2t.medr i2t.meanr rsum known ood skipped seconds
