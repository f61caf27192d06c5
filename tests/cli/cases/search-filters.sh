# Pages, ids, conditions and a lowest score give what the whole ranking says.
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --segment-images 60 > /dev/null
mask search --quiet G.gallery "a dog on the beach" -k 200 > all
mask search --quiet G.gallery "a dog on the beach" -k 7 --offset 5 > page
sed -n 6,12p all > want
cmp want page
mask search --quiet G.gallery "a dog on the beach" -k 10 --offset 195 | wc -l | grep -qx 5
printf '3\n50\n199\nnobody\n' > ids
mask search --quiet G.gallery "a dog on the beach" --ids ids | awk '{print $4}' > got
awk '$4 == "3" || $4 == "50" || $4 == "199" {print $4}' all > want
cmp want got
printf '3\n50\n' | mask similar G.gallery 7 --ids - | wc -l | grep -qx 2
printf 'id\tyear\n3\t1999\n60\t2004\n61\t2005\n' > m.tsv
mask index metadata G.gallery m.tsv > /dev/null
mask search --quiet G.gallery "a dog on the beach" --where "year > 2000" | awk '{print $4}' | sort | tr '\n' ' ' | grep -qx '60 61 '
mask search --quiet G.gallery "a dog on the beach" --min-score 1 -k 200 | wc -l > got
awk '$2 >= 1' all | wc -l > want
cmp want got
mask index remove G.gallery $(awk 'NR == 1 {print $4}' all) > /dev/null
mask search --quiet G.gallery "a dog on the beach" -k 2 | awk '{print $4}' > got
sed -n 2,3p all | awk '{print $4}' > want
cmp want got
