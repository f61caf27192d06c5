#!/bin/sh
# lint.sh BUILD [changed]: clang-format (nothing to change), clang-tidy (.clang-tidy) over all C sources, or over those that
# have changed in the last ten commits or since, and the walls between rooms.
set -eu
cd "$(dirname "$0")/.."
git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror
sources() { # deleted ones too
    if [ "${2:-}" = changed ]; then git diff --name-only "$(git rev-list -n 11 HEAD | tail -1)" -- 'src/*.c' 'examples/*.c'
    else git ls-files 'src/*.c' 'examples/*.c'; fi
}
omp=$(dirname "$(gcc -print-file-name=include/omp.h)") # OpenMP's header, for a clang without its own
sources "$@" | while read -r file; do [ ! -e "$file" ] || echo "$file"; done |
    xargs -r -P "$(nproc)" -n 4 clang-tidy -p "$1" --quiet --extra-arg=-idirafter --extra-arg="$omp" 2> /dev/null
scripts/check-rooms.py
