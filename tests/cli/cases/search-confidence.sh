# --min-confidence keeps what is as probable; where nothing is, the nearest are shown and it is said. Old options give none.
#out     1     1.3393   52%  177
#out     2     1.0647   43%  35
#out     1     1.3393  177
#out mask: hits have no confidence: search by score, or calibrate the knowledge again and index
#err nothing sure; the nearest are:
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --quiet > /dev/null
search() { mask search "$@" --vectors d/v.mvec; }
search G.gallery dog --min-confidence 0.4 --json > some.json
search G.gallery dog --json > all.json
python3 - <<'P'
import json
some, all = (json.load(open(n + ".json")) for n in ("some", "all"))
sure = [hit["confidence"] for hit in all]
assert sure == sorted(sure, reverse=True) and 0 < sure[-1] < sure[0] < 1, sure
assert some == [hit for hit in all if hit["confidence"] >= 0.4] and 0 < len(some) < len(all), sure
P
search G.gallery dog -k 2 --min-confidence 1
mask index d/full.mask d/demo_precomp --split dev -o old.gallery --confidence 0 --quiet > /dev/null
search old.gallery dog -k 1
search old.gallery dog --min-confidence 0.1 2>&1 || true
