# A broken table changes nothing and is named with its line.
#exit 1
#err mask: m.tsv: line 1: the header must begin with the column 'id'*
#err mask: m.tsv: line 3: has not as many columns as the header
#err mask: m.tsv: line 1: a column's name must be *: 'my year'
#err mask: none.tsv: *
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
printf 'image\tyear\n1\t2\n' > m.tsv
mask index metadata G.gallery m.tsv
printf 'id\tyear\n1\t2\n2\n' > m.tsv
mask index metadata G.gallery m.tsv
printf 'id\tmy year\n1\t2\n' > m.tsv
mask index metadata G.gallery m.tsv
mask index metadata G.gallery none.tsv
