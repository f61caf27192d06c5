set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search --quiet G.gallery "a puppy" -k 2 --json | has-keys readings.language readings.words.token readings.words.reason readings.words.suggestions sure results.rank results.id results.score results.words.word results.words.token results.words.score results.words.region results.words.cosine results.words.box results.words.neighbours.word results.words.neighbours.weight
mask similar G.gallery 5 --json | has-keys results.rank results.id results.score results.words
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt --image 5 --json | has-keys rank line score text
