#!/bin/sh
# make-deb.sh BUILD: Debian packages of what is committed, in BUILD/deb, looked over by lintian.
# make-deb.sh BUILD again: makes them once more in another folder, and fails unless they have the same bytes.
# make-deb.sh BUILD chroot FOLDER: installs them in a fresh Debian 12 made there (debootstrap; needs root), and searches with them.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "$1/deb"
deb=$(cd "$1/deb" && pwd)
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
packages() { ls "$deb"/*_"$version"_*.deb | grep -v dbgsym; }
if [ "${2:-}" = chroot ]; then
    root=$3
    [ -d "$root/usr" ] || debootstrap --variant=minbase bookworm "$root" > "$deb/debootstrap.log"
    mkdir -p "$root/packages" "$root/photos"
    cp $(packages) "$root/packages"
    cp tests/fixtures/0.1/photos/*.png "$root/photos"
    cp examples/match.c demo/generate.py "$root/packages"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    trap 'umount "$root/proc"' EXIT
    chroot "$root" sh -euc '
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends ./packages/*.deb gcc libc6-dev pkgconf \
            man-db bash-completion zsh fish > /packages/apt.log 2>&1 || { tail -20 /packages/apt.log; exit 1; }
        mask --version
        for page in /usr/share/man/man1/mask*; do
            said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l $page 2>&1 > /packages/page)
            [ -z "$said" ] && grep -q ^NAME /packages/page || { echo "$page: $said"; exit 1; }
        done
        ls /usr/share/man/man1/mask* | wc -l
        man -w mask-search
        bash -c ". /usr/share/bash-completion/bash_completion; _completion_loader mask; complete -p mask"
        zsh -fc "autoload -U compinit && compinit -u && echo zsh: \$_comps[mask]"
        fish -c "complete -C \"mask vectors im\""
        mask search --photos /photos "a black and white pattern" -k 2 --quiet
        cd /packages
        python3 generate.py data
        mask vectors import data/vectors.txt -o v.mvec --quiet
        mask learn data/knowledge --vectors v.mvec -o k.mask --quiet
        mask eval k.mask data/demo_precomp --split dev --quiet | tail -3
        gcc match.c $(pkg-config --cflags --libs mask) -o match
        ./match k.mask data/demo_precomp/dev_ims.npy "a dog on the snow" | head -1
        python3 -c "import mask_match; print(mask_match.__name__, mask_match.Knowledge)"'
    exit
fi
# build FOLDER: what is committed, built there; the packages lie beside it
build() {
    rm -rf "$1"
    mkdir -p "$1"
    git archive HEAD | tar -x -C "$1"
    (cd "$1" && dpkg-buildpackage -us -uc -b) > "$deb/build.log" 2>&1 || { tail -40 "$deb/build.log"; exit 1; }
    rm -rf "$1"
}
if [ "${2:-}" = again ]; then
    build "$deb/again/another-folder/with-a-longer-name"
    for package in $(packages); do
        cmp "$package" "$deb/again/another-folder/${package##*/}"
        echo "the same bytes: ${package##*/}"
    done
    exit
fi
build "$deb/mask-$version"
cd "$deb"
ls -s --block-size=KB $(packages | sed 's|.*/||')
lintian --fail-on error,warning "mask_${version}_amd64.changes"
