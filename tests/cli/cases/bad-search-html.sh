#exit 1
#err mask: *nowhere/page.html*
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask search G.gallery dog --html nowhere/page.html || code=$?
test ! -e nowhere
exit $code
