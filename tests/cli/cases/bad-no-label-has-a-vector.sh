#exit 1
#err mask: *no word of the labels has *
printf 'blorp 1 2 3\nfrob 3 2 1\n' > v.txt
mask vectors import v.txt -o V.mvec > /dev/null
mask learn d/knowledge --vectors V.mvec -o K.mask
