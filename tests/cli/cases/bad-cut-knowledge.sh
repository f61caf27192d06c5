# A knowledge cut at any byte is refused in one line that names it.
size=$(wc -c < d/full.mask)
cut=0
while [ "$cut" -lt "$size" ]; do
    head -c "$cut" d/full.mask > cut.mask
    mask info cut.mask > out 2> err
    { [ $? = 1 ] && [ ! -s out ] && [ "$(wc -l < err)" = 1 ] && grep -q '^mask: cut.mask' err; } || { echo "cut at $cut"; cat err; } >&2
    if [ "$cut" -lt 64 ]; then cut=$((cut + 7)); else cut=$((cut + size / 40)); fi
done
