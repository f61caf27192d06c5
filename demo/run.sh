#!/bin/sh
# make demo: from a folder of photos to a page of search results. Every command is shown before it runs, to be run again by
# hand. The photos are 248 of Debian's gcompris-qt-data: animals, monuments, tools.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
D=$BUILD/demo
MASK=$BUILD/mask
RCC=${RCC:-/usr/share/gcompris-qt/rcc}

say() { printf '\n# %s\n' "$*"; }
quote() { case $1 in *[!A-Za-z0-9_./#=-]*) printf "'%s'" "$1" ;; *) printf '%s' "$1" ;; esac; }
run() {
    printf '$'
    for word in "$@"; do printf ' %s' "$(quote "$word")"; done
    printf '\n'
    "$@"
}

rm -rf "$D"
mkdir -p "$D"
say "Photos, out of a learning game."
run demo/photos.py "$RCC" "$D/photos" categorization erase explore_monuments explore_world_animals explore_farm_animals

say "Photos become regions, the whole and parts of it, encoded by one run of a network. Run again, this looks only at what is new."
run "$MASK" extract "$D/photos" -o "$D/photos.regions"

say "An index, with the knowledge that comes with mask. It learned from words beside regions of photos, never from a caption's photo."
run "$MASK" index "$BUILD/starter.mask" "$D/photos.regions" -o "$D/photos.gallery"

say "What it knows of words: one that labels showed, one they never showed (OOD), one that means nothing to the eye."
run "$MASK" words "$BUILD/starter.mask" --vectors "$BUILD/starter.mvec" bird minaret the

say "Search."
run "$MASK" search "$D/photos.gallery" "a cow in the grass" -k 3
run "$MASK" search "$D/photos.gallery" "a bridge over a river" -k 3
run "$MASK" search "$D/photos.gallery" "a white bird" -k 3

say "Why the first one: words, their regions (pixels), and what an unseen word was made of."
run "$MASK" search "$D/photos.gallery" "swans on a lake" -k 1 --explain

say "A page to look at, of thirty everyday queries: open it in a browser."
run "$MASK" search "$D/photos.gallery" --queries demo/queries.txt -k 5 --html "$D/page.html" > "$D/results.tsv"
echo "$D/page.html"

cat << TEXT

The knowledge never saw these photos. Your own folder:

    $MASK search --photos ~/Pictures "a dog in the snow" --html page.html

or step by step: $MASK extract ~/Pictures -o p.regions && $MASK index $BUILD/starter.mask p.regions -o p.gallery &&
$MASK search p.gallery "a dog in the snow". The method itself, on a made-up data set with captions: make demo-method.
TEXT
