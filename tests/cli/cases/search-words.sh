# Words that are not used are named, with what may have been meant; a text of another language is; "no" and "without" count against.
#err not used: a (article)
#out     1  * *
#out     1  * *
#out mask: 'dgo': no word of it has a prototype or a word vector: did you mean 'dog'?
#out mask: 'ein qqq auf qqq': no word of it has a prototype or a word vector: it seems to be German
#out mask: 'собака': no word of it has a prototype or a word vector: it seems to be written in Cyrillic letters
#err in no label, taken to look like others: puppy (dog, bus, skateboard)
#err not used: dgo (unknown; did you mean dog?), and (conjunction)
#err in no label, taken to look like others: puppy (dog, bus, skateboard)
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --quiet > /dev/null
search() { mask search G.gallery --vectors d/v.mvec "$@"; }
search "a puppy" -k 1
search "dgo and puppy" -k 1
search "dgo" 2>&1 || true
search "ein qqq auf qqq" 2>&1 || true
search "собака" 2>&1 || true
search "dog -grass" --json > a.json
search "dog without the grass" --json > b.json
cmp a.json b.json
search "dog no grass" --json > c.json
cmp a.json c.json
