#exit 1
#err mask: empty/coco_precomp/testall_ims.npy: missing: SCAN's download page, *
#err mask: empty/coco_precomp/testall_caps.txt: missing: SCAN's download page, *
#err mask: empty/knowledge/features.npy: missing: Visual Genome's regions, *
#err mask: empty/knowledge/regions.tsv: missing: Visual Genome's regions, *
#err mask: empty/background_ims.npy: missing: *
#err mask: empty/background_caps.txt: missing: *
#err mask: empty/glove.840B.300d.txt: missing: word vectors: GloVe 840B 300d, *
#err mask: of MSCOCO, 5K test 7 of the files needed are missing; nothing was computed
mkdir empty; mask reproduce mscoco --data empty -o r.html --quiet
