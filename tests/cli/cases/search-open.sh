# A page of results in the browser: the one in the cache, or the one that was named; without a browser its address is told.
#out opened file://*/cache/mask/search.html
#out opened file://*/p.html
#err no browser can be opened here (xdg-open): open the address above
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
export XDG_CACHE_HOME="$PWD/cache"
mkdir bin
printf '#!/bin/sh\necho "opened $1" > "$OPENED"\n' > bin/xdg-open
chmod +x bin/xdg-open
OPENED=$PWD/opened PATH=$PWD/bin:$PATH mask search G.gallery dog --open --quiet > /dev/null 2>&1
cat opened
OPENED=$PWD/opened PATH=$PWD/bin:$PATH mask search G.gallery dog --open --html p.html --quiet > /dev/null 2>&1
cat opened
printf '#!/bin/sh\nexit 3\n' > bin/xdg-open
PATH=$PWD/bin:$PATH mask search G.gallery dog --open --quiet 2>&1 > /dev/null | grep browser >&2
