# The texts that eval's matrix says, with its scores; equal scores by line.
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --store float32 > /dev/null
mask eval d/full.mask d/demo_precomp --split dev --own auto --save-sims s.npy > /dev/null
mask annotate G.gallery --texts d/demo_precomp/dev_caps.txt -k 4 --json > found
python3 << 'PYTHON'
import json, struct
data = open("s.npy", "rb").read()[-4 * 200 * 1000:]
for line in open("found"):
    image = json.loads(line)
    row = struct.unpack_from("<1000f", data, 4000 * int(image["id"]))
    best = sorted(row, reverse=True)[:4]
    for t, want in zip(image["texts"], best):
        assert abs(t["score"] - want) < 1e-5 * max(1, abs(want)) and abs(row[t["line"] - 1] - want) < 1e-5 * max(1, abs(want)), (image, best)
PYTHON
