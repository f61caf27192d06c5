#out K.mask: 2 of 4 words
#out   1 left out: they have no word vector
#out   1 left out: their prototype is zero
#out knowledge * 2 words *
#out encoder * none, 64 -> 64 *
#out prototypes     shrunk by 0 pseudo-counts, without scenes
#out words          tokens by rule 'caption', 24-dimensional vectors of */cli-data/v.mvec
#out background     none: mask calibrate adds one and raises recall
#out made by        mask convert --mack-vocabulary vocabulary.json --mack-prototypes prototypes.npy --vectors d/v.mvec
#out most frequent  dog (1) cat (1)
set -e
set -- $(sed -n '1,3s/ .*//p' d/vectors.txt)
printf '{"%s": 1, "%s": 0, "nosuchword": 2, "%s": 3}' $1 $2 $3 > vocabulary.json
make-npy prototypes.npy 4 64
python3 -c "
import struct
with open('prototypes.npy', 'r+b') as file:
    file.seek(128)
    file.write(struct.pack('<192f', *range(1, 193)))"
mask convert --mack-vocabulary vocabulary.json --mack-prototypes prototypes.npy --vectors d/v.mvec -o K.mask
mask info K.mask
mask eval K.mask d/demo_precomp --split dev --ood off > /dev/null
