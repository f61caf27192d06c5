#exit 1
#err mask: V.mvec: is not the vector file the knowledge was learned with *
head -n 40 d/vectors.txt > v.txt
mask vectors import v.txt -o V.mvec > /dev/null
mask eval d/raw.mask d/demo_precomp --split dev --vectors V.mvec
