# Every step that needs no training; then all of them kept; then one made anew, because its file is gone.
#out r.html: written
#out r.html: written
#out 33 kept, 0 new
#out r.html: written
#out 32 kept, 1 new
#out <h1>MASK on Flickr8K</h1>
#out *<title>Rs over alpha</title>*
mkdir d8 && ln -s ../d/knowledge ../d/background_ims.npy ../d/background_caps.txt ../d/vectors.txt d8/ && ln -s ../d/demo_precomp d8/f8k_precomp
run() { mask reproduce flickr8k --data d8 -o r.html --epochs 0 --threads 1 "$@"; }
count() { echo "$(grep -c '^step.*(kept)$' log) kept, $(grep -c '^step.*[0-9]$' log) new"; }
run --quiet
run 2> log; count
rm r.html.work/ood.ood-10.json
run 2> log; count
grep '<h1>' r.html; grep -o '<svg.*alpha</title>' r.html
has-keys dataset split words base columns steps < r.json
