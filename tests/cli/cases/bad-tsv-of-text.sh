#exit 1
#err mask: x.tsv: line 1: has something else where a whole number belongs: of 2 rows only 0 can be used; *
printf 'image\tx1\ty1\nb\tc\td\n' > x.tsv
mask info x.tsv
