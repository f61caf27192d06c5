# What is missing is named before long work.
#exit 1
#err mask: none: cannot open: No such file or directory
#err mask: empty: no photo is there: name files or folders that hold some
#err mask: */none.menc: cannot open: No such file or directory*
#err mask: nowhere/r.regions: cannot create: No such file or directory: choose another place for the output
#err mask: boxes.tsv: line 1: the header 'image x1 y1 x2 y2 label', set apart by tabs, is missing: add it
#err mask: good.tsv: none of its 1 images is among the 1 photos, not even 'other.jpg'
mkdir empty photos
echo x > photos/x.jpg
echo image > boxes.tsv
printf 'image\tx1\ty1\tx2\ty2\tlabel\nother.jpg\t1\t1\t2\t2\tdog\n' > good.tsv
mask extract none -o r.regions --encoder "$PWD/none.menc"
mask extract empty -o r.regions --encoder "$PWD/none.menc"
mask extract photos -o r.regions --encoder "$PWD/none.menc"
mask extract photos -o nowhere/r.regions --encoder "$PWD/none.menc"
mask extract photos -o set --boxes boxes.tsv --encoder "$PWD/none.menc"
mask extract photos -o set --boxes good.tsv --encoder "$PWD/none.menc"
status=$?
test ! -e r.regions && test ! -e set || echo "something was written"
exit $status
