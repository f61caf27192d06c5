# Prototypes that were learned, saved as MACK does, score as they did.
#out K.mask: 2 of 3 words
#out   1 left out: they have no word vector
set -e
words=$(sed -n '1,2s/ .*//p' d/vectors.txt | tr '\n' ' ')
set -- $words
printf '["%s", "%s", "nosuchword"]' "$1" "$2" > vocabulary.json
npy-ones 3 64 prototypes.npy
mask convert --mack-vocabulary vocabulary.json --mack-prototypes prototypes.npy --vectors d/v.mvec -o K.mask
mask info K.mask > /dev/null
mask eval K.mask d/demo_precomp --split dev --ood off > /dev/null
