# Many queries, each as if it were alone; one without a usable word has no results.
set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
printf 'a dog\n\nblorp\na puppy -snow\n' > q
mask search G.gallery --queries q -k 4 > many
mask search G.gallery --queries - -k 4 < q | cmp - many
awk '{print $1, $2}' many | tr '\n' ' ' | grep -qx '1 1 1 2 1 3 1 4 4 1 4 2 4 3 4 4 '
mask search G.gallery "a puppy -snow" -k 4 --quiet | awk '{print $4}' > want
awk '$1 == 4 {print $4}' many > got
cmp want got
mask search G.gallery --queries q -k 2 --json | python3 -c 'import json, sys
lines = [json.loads(l) for l in sys.stdin]
assert [l["query"] for l in lines] == ["a dog", "", "blorp", "a puppy -snow"]
assert [len(l["results"]) for l in lines] == [2, 0, 0, 2]
assert [w["kind"] for w in lines[2]["readings"][0]["words"]] == ["unknown"]'
