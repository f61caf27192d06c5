#!/bin/sh
# abi.sh BUILD: whether programs built with the libraries of the last release still run with these: their functions, structs and
# enums against scripts/abi/*.abi, by libabigail. New functions are fine; anything else needs another minor version, which is
# another soname, and then new files.
# abi.sh BUILD --write: writes these files, at a release.
set -eu
cd "$(dirname "$0")/.."
bad=0
for library in libmask libmask-photos libmask-research; do
    if [ "${2:-}" = --write ]; then
        abidw --headers-dir include --drop-private-types --no-corpus-path --no-comp-dir-path --no-show-locs --drop-undefined-syms --type-id-style hash \
            --suppressions scripts/abi/private.ini "$1/$library.so" | sed '/<elf-needed>/,/<.elf-needed>/d; /elf-symbol name=.mask__/d' | xz -9 > "scripts/abi/$library.abi.xz"
        continue
    fi
    xz -dc "scripts/abi/$library.abi.xz" > "$1/$library.abi"
    abidiff --redundant --suppressions scripts/abi/private.ini --no-added-syms --no-show-locs "$1/$library.abi" "$1/$library.so" \
        > "$1/$library.differs" 2>&1 || bad=1
    ! grep 'error :' "$1/$library.differs" || bad=1 # it returns 0 where it cannot read a file
    cat "$1/$library.differs"
done
[ $bad = 0 ] && echo "the libraries' interface is that of scripts/abi"
exit $bad
