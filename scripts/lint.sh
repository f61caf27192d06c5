#!/bin/sh
# lint.sh BUILD: clang-format (nothing to change), clang-tidy (.clang-tidy) over all C sources, and the walls between rooms.
set -eu
cd "$(dirname "$0")/.."
git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror
git ls-files 'src/*.c' 'examples/*.c' |
    xargs -P "$(nproc)" -n 4 clang-tidy -p "$1" --quiet 2> /dev/null
scripts/check-rooms.py "$1"
