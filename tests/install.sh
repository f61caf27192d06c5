#!/bin/sh
# install.sh BUILD: installs into an empty folder, checks what is there, builds examples/match.c with pkg-config against it
# and runs the installed program and the example on the demo's data.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
DESTDIR=$top cmake --install "$1" > "$top/log" || { cat "$top/log"; exit 1; }
find() { command find "$top" -path "$1" | grep . || { echo "not installed: $1"; exit 1; }; }
program=$(find '*/bin/mask')
library=$(find '*/libmask.so')
find '*/include/mask.h' > "$top/log"
page=$(find '*/man/man1/mask.1')
pc=$(find '*/pkgconfig/mask.pc')
grep -q '^.TH MASK 1' "$page"
"$program" --version

# As a packager does: the files lie under DESTDIR, mask.pc names their final place.
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$top
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
${CC:-cc} -std=c11 -Wall -Wextra -Werror "$source/examples/match.c" $(pkg-config --cflags --libs mask) -o "$top/match"

python3 -B "$source/demo/generate.py" "$top/d"
"$program" vectors import "$top/d/vectors.txt" -o "$top/v.mvec"
"$program" learn "$top/d/knowledge" --vectors "$top/v.mvec" -o "$top/k.mask"
LD_LIBRARY_PATH=$(dirname "$library") "$top/match" "$top/k.mask" "$top/d/demo_precomp/dev_ims.npy" "a dog and a puppy on the snow"
