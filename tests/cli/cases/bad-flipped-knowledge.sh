# So is one with a changed byte, or it is in the padding between tensors and nothing changes.
size=$(wc -c < d/full.mask)
cp d/full.mask bad.mask && mask info bad.mask > good # a copy: vectors are looked for beside the file
at=3
while [ "$at" -lt "$size" ]; do
    cp d/full.mask bad.mask
    printf '\245' | dd of=bad.mask bs=1 seek="$at" conv=notrunc 2> /dev/null
    if mask info bad.mask > out 2> err; then
        cmp -s out good || echo "byte $at" >&2
    else
        { [ "$(wc -l < err)" = 1 ] && grep -q '^mask: bad.mask' err; } || { echo "byte $at"; cat err; } >&2
    fi
    at=$((at + size / 40))
done
