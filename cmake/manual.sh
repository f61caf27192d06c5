#!/bin/sh
# manual.sh MASK FOLDER: mask(1), and a page for each command: mask-search(1).
set -eu
mkdir -p "$2"
"$1" help --man > "$2/mask.1"
"$1" help | sed -n 's/^  \([a-z]*\( [a-z]*\)\{0,1\}\)   *[A-Z].*/\1/p' | while read -r name; do
    "$1" help --man $name > "$2/mask-$(echo "$name" | tr ' ' -).1"
done
