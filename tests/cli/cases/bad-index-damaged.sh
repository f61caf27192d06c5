# A flipped bit is found by verify, a cut or lost part when the gallery is opened.
#exit 1
#err mask: G.gallery/00000001.segment: *
#err mask: G.gallery/00000001.segment: *
#err mask: G.gallery/00000001.segment: *
#err mask: G.gallery/catalogue.sqlite: *
#err mask: G.gallery/knowledge.mask: *
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
s=G.gallery/00000001.segment
cp $s good
printf '\245' | dd of=$s bs=1 seek=5000 conv=notrunc 2> /dev/null
mask index verify G.gallery
head -c 4000 good > $s
mask info G.gallery
rm $s
mask info G.gallery
cp good $s
cp G.gallery/catalogue.sqlite catalogue
head -c 9000 catalogue > G.gallery/catalogue.sqlite
mask index verify G.gallery
cp catalogue G.gallery/catalogue.sqlite
head -c 9000 d/full.mask > G.gallery/knowledge.mask
mask info G.gallery
