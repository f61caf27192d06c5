#exit 1
#err mask: V.mvec: its vectors have 3 dimensions, the knowledge was learned with 24: *
printf 'dog 1 2 3\ncat 3 2 1\n' > v.txt
mask vectors import v.txt -o V.mvec > /dev/null
mask eval d/raw.mask d/demo_precomp --split dev --vectors V.mvec
