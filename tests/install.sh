#!/bin/sh
# install.sh BUILD: installs into an empty folder, under another prefix than was configured, checks what is there, builds
# programs with pkg-config against it, shared and static, and runs them and the installed program on the demo's data.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
fail() { echo "$1" >&2; exit 1; }
make -s -C "$source" install BUILD="$1" PREFIX=/opt/mask DESTDIR="$top" > "$top/log" || { cat "$top/log"; exit 1; }
prefix=$top/opt/mask
[ "$(ls "$top")" = "$(printf 'log\nopt')" ] || fail "something was installed outside the prefix: $(ls "$top")"
library=$(dirname "$(find "$prefix" -name libmask.so)") # the one to link with; builds for newer processors have no such name
program=$prefix/bin/mask
grep -q '^.TH MASK 1' "$prefix/share/man/man1/mask.1"
grep -q '^.SH EXAMPLES' "$prefix/share/man/man1/mask-index-add.1"
grep -qx 'ExecStart=/opt/mask/bin/mask serve $MASK_SERVE' "$prefix/lib/systemd/system/mask-serve.service"
"$program" --version

# As a packager does: the files lie under DESTDIR, mask.pc names their final place.
PKG_CONFIG_PATH=$library/pkgconfig
PKG_CONFIG_SYSROOT_DIR=$top
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
grep -qx prefix=/opt/mask "$PKG_CONFIG_PATH/mask.pc" || fail "mask.pc does not name the prefix"
[ "mask $(pkg-config --modversion mask)" = "$("$program" --version)" ] || fail "mask.pc names another version"
for file in CITATION.cff debian/changelog CHANGELOG.md; do # the version is the header's, and stands in these too
    grep -qE "^(version: |mask \(|## )$("$program" --version | sed 's/^mask //')([), ]|\$)" "$source/$file" || fail "$file: names another version"
done
compile() { ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$@"; }

# Both headers, as C and as C++, as strict as it gets.
for header in mask mask_research; do
    echo "#include <$header.h>" > "$top/header.c"
    compile -pedantic -Wshadow $(pkg-config --cflags mask) -fsyntax-only "$top/header.c"
    ${CXX:-c++} -std=c++17 -pedantic -Wall -Wextra -Wshadow -Werror $(pkg-config --cflags mask) -fsyntax-only -x c++ "$top/header.c"
done

# The libraries give what the headers declare, mask.h's none of libmask-research, and nothing else but among themselves.
declared() { for h in "$@"; do cat "$prefix/include/$h.h"; done | tr "\n" " " | grep -o "MASK_API [^;(]*(" | sed -n "s/.*[ *]\(mask_[a-z_]*\)($/\1/p" | sort; }
given() { for l in "$@"; do nm -D --defined-only "$library/lib$l.so"; done | sed -n 's/.* T \(.*\)@@MASK_[0-9.]*$/\1/p' | sort; }
declared mask mask_options mask_research > "$top/declared"
given mask mask-photos mask-research > "$top/given"
diff "$top/declared" "$top/given" || fail "the headers declare (<) other functions than the libraries give (>)"
declared mask mask_options > "$top/declared"
given mask-research > "$top/given"
[ -z "$(comm -12 "$top/declared" "$top/given")" ] || fail "mask.h declares functions of libmask-research"
nm -D --defined-only "$library"/libmask*.so | grep ' [TDBR] ' | grep -v '@@MASK_[0-9.]*$\|mask__.*@@MASK_PRIVATE_[0-9.]*$' && fail "exported without a version"

python3 -B "$source/demo/generate.py" "$top/d"
"$program" vectors import "$top/d/vectors.txt" -o "$top/v.mvec"
"$program" learn "$top/d/knowledge" --vectors "$top/v.mvec" --encoder none -o "$top/k.mask"
"$program" calibrate "$top/k.mask" --images "$top/d/background_ims.npy" --texts "$top/d/background_caps.txt" -o "$top/c.mask" --quiet
"$program" index "$top/c.mask" "$top/d/demo_precomp" --split dev -o "$top/g.gallery" --quiet
both() { # runs the programs, made by `compile` with these words
    compile "$source/examples/match.c" "$@" -o "$top/match"
    compile "$source/examples/search.c" "$@" -o "$top/searches"
    compile "$source/examples/add_while_searching.c" "$@" -pthread -o "$top/adds"
    "$top/match" "$top/k.mask" "$top/d/demo_precomp/dev_ims.npy" "a dog and a puppy on the snow"
    "$top/searches" "$top/g.gallery" "a dog on the snow"
    rm -rf "$top/added.gallery"
    "$top/adds" "$top/c.mask" "$top/d/demo_precomp/dev_ims.npy" "$top/added.gallery" "a dog on the snow" 2> "$top/seen"
}
LD_LIBRARY_PATH=$library
export LD_LIBRARY_PATH
both $(pkg-config --cflags --libs mask) > "$top/shared"
cat "$top/shared"
most=20
count=$(ldd "$top/searches" | wc -l)
bytes=$(ldd "$top/searches" | sed -n 's/.* => \(.*\) (.*/\1/p' | xargs stat -L -c %s | awk '{sum += $1} END {print int(sum / 1e6)}')
echo "a program that searches a gallery loads $count libraries, $bytes MB"
[ "$count" -le $most ] || { ldd "$top/searches"; fail "they are to be $most at most"; }

# The same by CMake's package.
mkdir "$top/cmake"
printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(p LANGUAGES C)' 'find_package(mask 0.2 REQUIRED)' \
    "add_executable(p $source/examples/match.c)" 'target_link_libraries(p mask::mask mask::photos mask::research)' > "$top/cmake/CMakeLists.txt"
cmake -S "$top/cmake" -B "$top/cmake/b" -Dmask_DIR="$library/cmake/mask" > "$top/log" && cmake --build "$top/cmake/b" >> "$top/log" 2>&1 || { cat "$top/log"; exit 1; }
"$top/cmake/b/p" "$top/k.mask" "$top/d/demo_precomp/dev_ims.npy" "a dog and a puppy on the snow" > "$top/found"

# Completion lies where the shells look for it.
(cd "$prefix/share" && ls bash-completion/completions/mask zsh/vendor-completions/_mask fish/vendor_completions.d/mask.fish > "$top/log")

# A library that only some files need and that is not there: one line says which.
mkdir "$top/none"
printf '\211HDF\r\n\032\n' > "$top/x.h5"
: > "$top/none/$(grep -om 1 'libhdf5[a-z_]*\.so\.[0-9]*' "$1/compile_commands.json" | head -1)"
LD_LIBRARY_PATH=$top/none:$library "$top/match" "$top/k.mask" "$top/x.h5" "a dog" 2> "$top/missing" && fail "HDF5 without libhdf5"
grep -q 'x.h5: needs the library libhdf5.*: install it' "$top/missing" || fail "$(cat "$top/missing")"

# The Python package: its source distribution, built by pip beside the installed library with Debian's cffi and NumPy alone.
if /usr/bin/python3 -c "import cffi, ensurepip, numpy, setuptools" 2> /dev/null; then
    cp -r "$source/python" "$top/python"
    (cd "$top/python" && rm -rf dist && /usr/bin/python3 setup.py -q sdist > "$top/log" 2>&1) || { cat "$top/log"; exit 1; }
    /usr/bin/python3 -m venv --system-site-packages "$top/venv"
    "$top/venv/bin/pip" install -q --no-index --no-build-isolation --no-deps "$top"/python/dist/mask?match-*.tar.gz
    (cd "$top" && venv/bin/python -c "import mask_match as m; print(m.__version__, m.Gallery('g.gallery').search('a dog on the snow', k=3).ids)")
else
    echo "skipped: the Python package, since python3-cffi, python3-numpy, python3-setuptools or python3-venv is not installed"
fi

# From the archives alone.
unset LD_LIBRARY_PATH
rm -rf "$library"/libmask*.so* "$library/glibc-hwcaps" # the latter is there in portable builds
both $(pkg-config --cflags --static --libs mask) > "$top/static"
ldd "$top/searches" | grep libmask && fail "the archive was not linked"
cmp "$top/shared" "$top/static"
echo 'int main(void) { return mask_knowledge_learn(0, 0, 0, 0, 0, 0) + mask_extract(0, 0, 0, 0, 0, 0, 0) == 0; }' |
    sed '1i #include <mask_research.h>' > "$top/all.c"
compile "$top/all.c" $(pkg-config --cflags --static --libs mask-photos mask-research mask) -o "$top/all"
