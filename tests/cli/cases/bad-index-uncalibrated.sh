# Statistics of the gallery itself would change with it; and a gallery that was refused leaves no folder.
#exit 1
#err mask: *calibrate*
mask index d/white.mask d/demo_precomp --split dev -o G.gallery --calibrate full
status=$?
[ ! -e G.gallery ] || echo "a folder stayed" >&2
exit $status
