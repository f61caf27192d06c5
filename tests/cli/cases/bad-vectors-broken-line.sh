#exit 1
#err mask: v.txt: line 3: *
sed '3s/ [^ ]*$//' d/vectors.txt > v.txt
mask vectors import v.txt -o V.mvec
