# "dog -snow" is "dog" and "snow^-1"; a hyphen inside a word, or after a backslash, is no minus.
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search --quiet G.gallery "dog -snow" > a
mask search --quiet G.gallery "dog" "snow^-1" > b
mask search --quiet G.gallery "dog -snow^2" > c
mask search --quiet G.gallery "dog" "snow" > d.txt
mask search --quiet G.gallery -- "-snow dog" > e
cmp a b
cmp a e
cut -c1-5,18- a > a.ids
cut -c1-5,18- c > c.ids
cmp a.ids c.ids
if cmp -s a d.txt; then echo "a minus changes nothing" >&2; fi
mask search --quiet G.gallery "red-dog" > f
mask search --quiet G.gallery 'dog \-red' > g
mask search --quiet G.gallery "dog red" > h
cmp g h
mask search --quiet G.gallery 'dog -red\-snow' > i
mask search --quiet G.gallery "dog -red-snow" > j
cmp i j
mask search --quiet G.gallery 'dog red \^' > k
mask search --quiet G.gallery 'dog red' > l
cmp k l
mask search --quiet G.gallery 'dog \\^0.5' > m
mask search --quiet G.gallery 'dog^0.5' > n
cmp m n
