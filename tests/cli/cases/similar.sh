# The image itself is left out; ranks count from 1.
#out     1 * *
#out    10 * *
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask similar G.gallery 17
if mask similar G.gallery 17 -k 500 | awk '$3 == 17' | grep -q .; then echo "found itself" >&2; fi
mask similar G.gallery 17 -k 500 | wc -l | grep -qx 199
