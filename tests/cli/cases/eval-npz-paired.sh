# A folder of .npz lists its images in the order of their names (a10 after a9); captions in another order find theirs by name.
#err n_caps.txt: captions paired with the images of folder by name
#err k.json: captions paired with the images of folder by name
#err warning: plain.txt: names no images: captions were paired by position with the images of folder in the order of their ids
#out  "rsum": 488.5,
#out  "paired": "position",
#out  "rsum": 488.5,
#out  "paired": "name",
#out  "rsum": 488.5,
#out  "paired": "position",
#out mask: folder: image 'elsewhere.jpg' of k.json is not there, or twice: give the captions of these images
#out 1
set -e
mask convert d/demo_precomp --split dev -o n_ims.npy > /dev/null
cp d/demo_precomp/dev_caps.txt n_caps.txt
sed 's/^/a/' n_ids.txt | tac > n2 && mv n2 n_ids.txt
mask convert n_ims.npy -o folder > /dev/null
mask eval d/full.mask n_ims.npy --captions d/demo_precomp/dev_caps.txt --json > a.json
mask eval d/full.mask folder --captions n_caps.txt --json > b.json
for file in a b; do grep -e '"paired"' -e '"rsum"' $file.json; done
cat > karpathy.py <<'P'
import json
texts = open("n_caps.txt").read().splitlines()
ids = open("n_ids.txt").read().split()
json.dump({"images": [{"filename": i + ".jpg", "split": "val", "sentences": [{"raw": t} for t in texts[5 * n:5 * n + 5]]}
                      for n, i in enumerate(ids)]}, open("k.json", "w"))
P
python3 karpathy.py
mask eval d/full.mask folder --captions k.json --json | grep '"rsum"'
cp n_caps.txt plain.txt
mask eval d/full.mask folder --captions plain.txt --json > c.json
grep '"paired"' c.json
sed -i 's/a17.jpg/elsewhere.jpg/' k.json
set +e
mask eval d/full.mask folder --captions k.json 2>&1
echo $?
