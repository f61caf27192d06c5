# The score of a pair is the one eval gives it.
set -e
text=$(sed -n 16p d/demo_precomp/dev_caps.txt)
mask eval d/full.mask d/demo_precomp --split dev --save-sims s.npy > /dev/null
mask score d/full.mask --images d/demo_precomp --split dev --image 3 --text "$text" --json > pair.json
python3 - << 'PYTHON'
import json, struct
data = open("s.npy", "rb").read()[-4 * 200 * 1000:]
theirs, ours = struct.unpack_from("<f", data, 4 * (3 * 1000 + 15))[0], json.load(open("pair.json"))["score"]
assert abs(theirs - ours) < 1e-4 * max(1, abs(ours)), (theirs, ours)
PYTHON
