# Columns come with the index or later; ids that are not there are said.
#out G.gallery: 200 images added*
#out 200 images in 1 segments, 1923 bytes an image, statistics from 100 background images and 200 of these
#out G.gallery: metadata of m.tsv
#err warning: m.tsv: 1 of 2 ids are not in the gallery: their lines were passed over
#err warning: m.tsv: 1 of 2 ids are not in the gallery: their lines were passed over
printf 'id\tyear\tplace\n7\t1999\tRome\nnobody\t2000\tOslo\n' > m.tsv
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --metadata m.tsv
mask index metadata G.gallery m.tsv
