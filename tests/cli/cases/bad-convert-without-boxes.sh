#exit 1
#err mask: *background_ims.npy: image 0 (0) has no boxes, which a TSV needs: write another format
mask convert d/background_ims.npy -o x.tsv
status=$?
[ ! -e x.tsv ] || echo "an output stayed" >&2
exit $status
