# Modifiers from a table change scores, weight 0 does not, and a table of other texts is refused.
#exit 1
#err mask: bad.tsv: line 1: text 0 has * tokens, not a modifier at 98 and a noun at 99: make the file of these texts
set -e
e() { mask eval d/full.mask d/demo_precomp --split dev --save-sims "$@" > /dev/null; }
printf '0\t1\t2\n0\t2\t1\n1\t1\t2\n1\t2\t1\n' > m.tsv
printf '0\t98\t99\n' > bad.tsv
e a.npy
e b.npy --adjectives 0 --modifiers m.tsv
e c.npy --adjectives 0.5 --modifiers m.tsv
cmp a.npy b.npy
! cmp -s a.npy c.npy
mask eval d/full.mask d/demo_precomp --split dev --adjectives 0.5 --modifiers bad.tsv
