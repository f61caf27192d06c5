# Words by how many photos show them, on a page too; of words that find the same photos one is told.
#out     22  kite
#out     21  yellow
#out     21  green
#out 3
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask report G.gallery -k 3 -o page.html --quiet
grep -c 'class="found"' page.html
mask report G.gallery --json --quiet | has-keys word photos
