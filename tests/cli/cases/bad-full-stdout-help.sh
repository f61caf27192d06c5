#out help: 1
#out help eval: 1
#out help --man: 1
#out eval --help: 1
#out --version: 1
#err mask: cannot write the result to stdout
#err mask: cannot write the result to stdout
#err mask: cannot write the result to stdout
#err mask: cannot write the result to stdout
#err mask: cannot write the result to stdout
for words in help "help eval" "help --man" "eval --help" --version; do
    mask $words > /dev/full
    echo "$words: $?"
done
