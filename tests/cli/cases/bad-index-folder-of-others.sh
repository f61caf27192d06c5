#exit 1
#err mask: G.gallery: is a folder of other things: *
mkdir G.gallery
echo mine > G.gallery/notes.txt
mask index d/full.mask d/demo_precomp --split dev -o G.gallery
status=$?
[ "$(ls G.gallery)" = notes.txt ] || echo "the folder was changed" >&2
exit $status
