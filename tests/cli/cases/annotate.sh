# One image, or all of them; what was prepared is kept, and gives the same the next time.
#out     1 * *
#out     2     1.6363      30  There is a house near a green boy .
#out     3     1.6235      29  There is a cottage near a green boy .
#out     4     1.5859     690  The green bus is next to a blue bike .
#out     5 * *
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt --image 5
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt -k 3 > first
ls G.gallery/*.texts > /dev/null
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt -k 3 > again
cmp first again
wc -l < first | grep -qx 600
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt -k 3 --threads 1 | cmp - first
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt -k 3 --json | wc -l | grep -qx 200
mask index verify G.gallery > /dev/null
