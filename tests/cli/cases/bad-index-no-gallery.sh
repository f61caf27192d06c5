# Every verb says that there is none.
#exit 1
#err mask: G.gallery: is not a gallery (mask index makes one)
#err mask: G.gallery: is not a gallery (mask index makes one)
#err mask: G.gallery: is not a gallery (mask index makes one)
#err mask: d: is not a gallery (mask index makes one)
#err mask: G.gallery: is not a gallery (mask index makes one)
mask index add G.gallery d/demo_precomp --split dev
mask index remove G.gallery 1
mask index compact G.gallery
mask index verify d
printf 'id\tyear\n' > m.tsv
mask index metadata G.gallery m.tsv
