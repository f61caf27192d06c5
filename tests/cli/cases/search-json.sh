set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search --quiet G.gallery "a puppy" -k 2 --json | has-keys unused.token unused.reason unused.suggestions rank id score words.word words.token words.score words.region words.cosine words.box words.neighbours.word words.neighbours.weight
mask similar G.gallery 5 --json | has-keys rank id score words unused
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt --image 5 --json | has-keys rank line score text
