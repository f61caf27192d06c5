# A preset is what its options say, and single options change it wherever they stand.
set -e
l() { out=$1; shift; mask learn d/knowledge --encoder whiten --vectors d/v.mvec -o $out "$@" > /dev/null; }
sims() { mask eval $1 d/demo_precomp --split dev --top 1 --scene 0 --save-sims $2 > /dev/null; }
l a.mask --preset section9
l b.mask --power 1 --whiten-shrink 0.7 --prototype-shrink 10 --no-scenes
l c.mask --preset tuned
l e.mask --power 1 --preset tuned
l f.mask --preset tuned --power 1
for k in a b c e f; do sims $k.mask $k.npy; done
sims d/white.mask w.npy
cmp a.npy b.npy
cmp c.npy w.npy
cmp e.npy f.npy
! cmp -s a.npy c.npy
! cmp -s c.npy e.npy
