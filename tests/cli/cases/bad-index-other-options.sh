#exit 1
#err mask: G.gallery: is a gallery already, made with another budget: *
#err mask: G.gallery: is a gallery already, of another knowledge: *
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --budget 3
mask calibrate d/full.mask --images d/background_ims.npy --texts d/demo_precomp/dev_caps.txt -o other.mask > /dev/null
mask index other.mask d/demo_precomp --split dev -o G.gallery
