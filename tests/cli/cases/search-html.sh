# A page of results: the query escaped, and a word where there is no photo to show.
#out     1 * *
#out     2     1.1011   13%  35
#out     3     0.9990   12%  97
#err not used: i (pronoun)
#err in no label, taken to look like others: puppy (dog, bus, skateboard)
#err file://*.html
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search G.gallery "dog & <i>puppy" -k 3 --html page.html
grep -q '"texts":\["dog & .u003ci>puppy"\]' page.html
if grep -q '<i>puppy' page.html; then echo "not escaped" >&2; fi
grep -q '"picture":null' page.html
grep -q '"token":"puppy","word":"puppy","kind":"ood"' page.html
