# Calibrated on the very images that are evaluated, under another name: said.
#out Rs *
#out LEAK: 200 of these images are in the background*
#out true 200 [1000, 200] mask eval
#out ['t2i.npy', 'i2t.npy'] True
cp d/demo_precomp/dev_ims.npy other_ims.npy
mask calibrate d/white.mask --images other_ims.npy --texts d/background_caps.txt -o k.mask --quiet > /dev/null
mask eval k.mask d/demo_precomp --split dev | grep -E '^(Rs|LEAK)'
mask eval k.mask d/demo_precomp --split dev --per-query q.npz --json > r.json
python3 - << 'END'
import hashlib, json, struct, zipfile
r = json.load(open("r.json"))
run = r["run"]
data = sum(len(open("d/demo_precomp/dev_" + end, "rb").read()) for end in ("ims.npy", "caps.txt", "ids.txt", "boxes.npy", "names.txt")
           if __import__("os").path.exists("d/demo_precomp/dev_" + end))
assert run["inputs"]["data"]["bytes"] == data and len(run["inputs"]["knowledge"]["xxh128"]) == 32 and run["options"]["calibrate"] == "full"
assert r["rsum_interval"][0] < r["rsum"] < r["rsum_interval"][1]
archive = zipfile.ZipFile("q.npz")
ranks = {name: archive.read(name) for name in archive.namelist()}
t2i = struct.unpack("<%df" % 1000, ranks["t2i.npy"][-4000:])
print(str(r["transductive"]).lower(), r["background_seen"], [r["texts"], r["images"]], *run["command"][:2])
print(list(ranks), abs(100 * sum(rank < 1 for rank in t2i) / 1000 - r["t2i"]["r1"]) < 1e-6)
END
