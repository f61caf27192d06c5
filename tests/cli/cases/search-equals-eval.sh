# All images, by texts with known and OOD words: the scores of eval, and in their order; with vectors in 8 bits near to them.
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --store float32 > /dev/null
mask index d/full.mask d/demo_precomp --split dev -o S.gallery --store int8 > /dev/null
mask eval d/full.mask d/demo_precomp --split dev --own auto --save-sims s.npy > /dev/null
for line in 1 16 333 777; do
    text=$(sed -n ${line}p d/demo_precomp/dev_caps.txt)
    for g in G S; do
        mask search --quiet $g.gallery "$text" -k 500 --json > found.json
        python3 - $line $g << 'PYTHON'
import json, struct, sys
line, found, off = int(sys.argv[1]) - 1, json.load(open("found.json")), {"G": 1e-5, "S": 0.02}[sys.argv[2]]
data = open("s.npy", "rb").read()[-4 * 200 * 1000:]
theirs = {str(i): struct.unpack_from("<f", data, 4 * (i * 1000 + line))[0] for i in range(200)}
assert len(found) == 200 and len({f["id"] for f in found}) == 200
for f in found:
    assert abs(theirs[f["id"]] - f["score"]) < off * max(1, abs(f["score"])), f
assert [f["rank"] for f in found] == list(range(1, 201))
assert all((-a["score"], a["id"]) < (-b["score"], b["id"]) for a, b in zip(found, found[1:]))
PYTHON
    done
done
mask index verify S.gallery
#out S.gallery: 200 images in 1 segments; checksums are right
