# Ctrl-C in the middle: what was committed stays, the same command goes on, and nothing is left of the rest.
#out G.gallery: * images added, 0 replaced, * there already; * images/s
#out 200 images in 40 segments*
#out G.gallery: 200 images in 40 segments; checksums are right
#err mask: *: stopped after *
make="mask index d/full.mask d/demo_precomp --split dev -o G.gallery --segment-images 5"
interrupt --once 'G.gallery/00000002.segment' $make --quiet && echo "was not stopped" >&2
$make --quiet
mask index verify G.gallery
