# Statistics follow the images: a gallery that grew is a gallery made at once; what shrinks below 25 has the shipped ones.
set -e
mask convert d/demo_precomp --split dev -o all_ims.npy > /dev/null
python3 << 'PYTHON'
import struct
head, body = open("all_ims.npy", "rb").read()[:128], open("all_ims.npy", "rb").read()[128:]
boxes = open("all_boxes.npy", "rb").read()
ids = open("all_ids.txt").read().split()
size, box = len(body) // 200, (len(boxes) - 128) // 200
for name, first, end in (("few", 0, 20), ("most", 0, 120), ("rest", 120, 200)):
    part = lambda data, one: data[:128].replace(b"(200,", b"(%d, " % (end - first) if end - first < 100 else b"(%d," % (end - first)) + data[128 + first * one:128 + end * one]
    open(name + "_ims.npy", "wb").write(part(head + body, size))
    open(name + "_boxes.npy", "wb").write(part(boxes, box))
    open(name + "_ids.txt", "w").write("\n".join(ids[first:end]) + "\n")
PYTHON
mask index d/full.mask all_ims.npy --store float32 -o once.gallery | sed 's/;.*//; s/[0-9]* bytes/N bytes/'
mask index d/full.mask few_ims.npy --store float32 -o G.gallery | sed 's/;.*//; s/[0-9]* bytes/N bytes/'
mask index add G.gallery most_ims.npy | sed 's/;.*//; s/[0-9]* bytes/N bytes/'
mask index add G.gallery rest_ims.npy | sed 's/;.*//; s/[0-9]* bytes/N bytes/'
mask index verify G.gallery
ls G.gallery | grep -cE "[0-9](.own|.scorer)"
for text in "a dog and a puppy" "a green kite in the sand"; do
    for g in once G; do mask search --quiet $g.gallery "$text" -k 200 --json > $g.json; done
    python3 -c '
import json
a, b = ({h["id"]: h["score"] for h in json.load(open(n + ".json"))} for n in ("once", "G"))
assert len(a) == 200 and a.keys() == b.keys()
assert max(abs(a[i] - b[i]) for i in a) < 1e-5, max(abs(a[i] - b[i]) for i in a)'
done
mask search --quiet G.gallery "a dog" -k 1 --explain | tail -1 | sed 's/[0-9.]* ms/T ms/'
seq 20 199 > gone.txt
mask index remove G.gallery --ids gone.txt
mask info G.gallery --json | grep background
mask index d/full.mask all_ims.npy --own off -o off.gallery --json | grep own
mask index d/full.mask few_ims.npy --store float32 -o few.gallery > /dev/null
mask search --quiet few.gallery "a dog" -k 20 > few.txt
mask search --quiet G.gallery "a dog" -k 20 | diff few.txt -
mask eval d/full.mask d/demo_precomp --split dev --own 50 | tail -1 | sed 's/;.*//'
#out once.gallery: 200 images added, 0 replaced, 0 there already
#out 200 images in 1 segments, N bytes an image, statistics from 100 background images and 200 of these
#out G.gallery: 20 images added, 0 replaced, 0 there already
#out 20 images in 1 segments, N bytes an image
#out G.gallery: 100 images added, 0 replaced, 20 there already
#out 120 images in 2 segments, N bytes an image, statistics from 100 background images and 120 of these
#out G.gallery: 80 images added, 0 replaced, 0 there already
#out 200 images in 3 segments, N bytes an image, statistics from 100 background images and 200 of these
#out G.gallery: 200 images in 3 segments; checksums are right
#out 2
#out 200 images searched, 1 scored from their regions, T ms; statistics from 100 background images and 200 of these
#out G.gallery: 180 images removed
#out  "background_images": 100,
#out  "background_own": 0,
#out  "background_own": 0
#out calibration full from 100 background images and 50 of these (transductive on images: not comparable with other methods), whole image = region 0
