# One writer at a time; the other one is named.
#exit 1
#err mask: G.gallery: process * is changing this gallery: *
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
flock G.gallery/lock mask index remove G.gallery 1
