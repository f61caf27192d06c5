# Every command that `mask help` lists has a help of its own, by both ways, and a place in the manual.
mask help --man > manual
mask help | sed -n 's/^  \([a-z]*\( [a-z]*\)\{0,1\}\)   *[A-Z].*/\1/p' > names
test "$(wc -l < names)" -ge 9
while read -r name; do
    mask help $name > one
    grep -q "^mask $name " one && grep -q '^Options' one || echo "no help for $name" >&2
    mask $name --help | cmp - one
    grep -q "^.SS \"mask $name " manual || echo "$name is not in the manual" >&2
done < names
