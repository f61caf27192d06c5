#!/bin/sh
# make demo: from a folder of photos to a page of search results. Every command is shown before it runs, to be run again by
# hand. The photos are the stamps of Debian's tuxpaint-stamps-default.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
D=$BUILD/demo
MASK=$BUILD/mask
STAMPS=${STAMPS:-/usr/share/tuxpaint/stamps}

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
say "Photos become regions, the whole and parts of it, encoded by one run of a network. Again, this looks only at what is new."
run "$MASK" extract "$STAMPS/animals" "$STAMPS/food" "$STAMPS/plants" "$STAMPS/vehicles" "$STAMPS/town" -o "$D/photos.regions"

say "An index, with the knowledge that comes with mask. It learned from words beside regions of photos, never from a caption's photo."
run "$MASK" index "$BUILD/starter.mask" "$D/photos.regions" -o "$D/photos.gallery"

say "What it knows of words: one that labels showed, one they never showed (OOD), one that means nothing to the eye."
run "$MASK" words "$BUILD/starter.mask" --vectors "$BUILD/starter.mvec" bird blossom the

say "Search."
run "$MASK" search "$D/photos.gallery" "an elephant" -k 3
run "$MASK" search "$D/photos.gallery" "yellow fruit" -k 3
run "$MASK" search "$D/photos.gallery" "a truck -red" -k 3

say "Why the first one: words, their regions (pixels), and what an unseen word was made of."
run "$MASK" search "$D/photos.gallery" "a fruit with blossom" -k 1 --explain

say "A page to look at: open it in a browser."
cat > "$D/queries.txt" << 'TEXT'
a bird with a long beak
an elephant
yellow fruit
a yellow flower
a truck
a house with a tower
TEXT
run "$MASK" search "$D/photos.gallery" --queries "$D/queries.txt" -k 6 --html "$D/page.html" > "$D/results.tsv"
echo "$D/page.html"

cat << TEXT

The knowledge never saw these photos. Your own folder:

    $MASK search --photos ~/Pictures "a parrot" --html page.html

or step by step: $MASK extract ~/Pictures -o p.regions && $MASK index $BUILD/starter.mask p.regions -o p.gallery &&
$MASK search p.gallery "a parrot". The method itself, on a made-up data set with captions: make demo-method.
TEXT
