# A data set of the paper's has its numbers beside ours; dev and training's captions are the background; CLIP's scores the base.
#out r.html: written
#out <tr class="paper"><td>the paper</td><td>3.0</td><td>9.9</td><td>15.4</td><td>10.1</td><td>24.6</td><td>32.3</td><td>95.3</td></tr>
#out <tr class="paper"><td>the paper</td><td></td><td></td><td></td><td></td><td></td><td></td><td>534.3</td></tr>
mkdir d30 d30/f30k_precomp && ln -s ../d/knowledge ../d/vectors.txt d30/
for f in ims.npy ids.txt caps.txt; do cp d/demo_precomp/dev_$f d30/f30k_precomp/test_$f; done
cp d/background_ims.npy d30/f30k_precomp/dev_ims.npy; cp d/background_caps.txt d30/f30k_precomp/train_caps.txt
mask eval d/raw.mask d/demo_precomp --split dev --save-sims d30/clip_sims.npy > /dev/null
mask reproduce flickr30k --data d30 -o r.html --epochs 0 --quiet
grep -A1 '<td>MACK: ' r.html | tail -1; grep -A1 '<td>alpha = 0.15' r.html | tail -1
