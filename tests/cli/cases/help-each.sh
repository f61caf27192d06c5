# Every command that `mask help` lists has a help of its own, by both ways, and a place in the manual.
mask help --man > manual
mask help | sed -n 's/^  \([a-z]*\( [a-z]*\)\{0,1\}\)   *[A-Z].*/\1/p' > names
test "$(wc -l < names)" -ge 9
while read -r name; do
    mask help $name > one
    grep -q "^mask $name " one && grep -q '^Options' one || echo "no help for $name" >&2
    mask $name --help | cmp - one
    grep -q "^.SS \"mask $name " manual || echo "$name is not in the manual" >&2
    mask help --man $name | groff -man -Tutf8 -ww -P-c -P-b -P-u | grep -q '^EXAMPLES$' || echo "no page of $name" >&2
    # Its examples are of this command, and use options that it has.
    sed '1,/^Examples$/d' one > examples
    test -s examples && ! grep -qv "^  mask $name\\b" examples || echo "no example of $name" >&2
    for option in $(sed "s/|.*//; s/'[^']*'//g" examples | grep -o ' --*[a-z0][a-z-]*'); do
        grep -q "^  $option\b" one || echo "$name has no $option" >&2
    done
done < names
