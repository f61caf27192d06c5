# The image itself is left out; ranks count from 1.
#out     1 * *
#out     2     0.3268  23
#out     3     0.3262  197
#out     4     0.2911  68
#out     5     0.2748  13
#out     6     0.2747  41
#out     7     0.2670  31
#out     8     0.2505  5
#out     9     0.2473  72
#out    10 * *
#out     1     3.5825  177
#out     2     2.9451  78
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask similar G.gallery 17
if mask similar G.gallery 17 -k 500 | awk '$3 == 17' | grep -q .; then echo "found itself" >&2; fi
mask similar G.gallery 17 -k 500 | wc -l | grep -qx 199
# With a text: ten times the cosine, and the text's score.
mask similar G.gallery 17 --text "a dog" -k 2
