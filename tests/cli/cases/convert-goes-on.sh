# Stopped by Ctrl-C, then run again: what was there is kept.
#out x: 3000 images, 24000 regions, 64 dimensions
#err mask: converting: stopped after *
#err x: kept * files that were there
make-npy x_ims.npy 3000 8 64
interrupt --once 'x/1.npz' mask convert x_ims.npy -o x
mask convert x_ims.npy -o x 2> notes
grep -v '^converting: ' notes >&2 # on a busy machine there is time to show progress
[ $(ls x/*.npz | wc -l) -eq 3000 ] || echo "files are missing" >&2
[ -z "$(ls x | grep -v 'npz$')" ] || echo "other files stayed" >&2
