# What files hold must not command a terminal: names of files become ids, and messages tell of them.
#exit 1
#out     1    -0.8665    6%  \x1b[31mrot\x9b bläulich
#out 1
#out     1     0.4374  176
#out score -0.951174  image \x1b[31mrot\x9b bläulich
#out   dog            known  weight 1.00  score +0.472  best region 7 (cosine 0.198)
#out   text: mean -0.0000, deviation 2.0836 over the background; hubness: image 0.2705, text 0.9070
#out
#out region  box                             dog
#out      0  0,0 224,224                   0.117
#out      1  20,60 110,170                -0.033
#out      2  32,60 122,170                -0.144
#out      3  120,60 210,170               -0.173
#out      4  132,60 222,170               -0.097
#out      5  55,120 125,220                0.074
#out      6  71,120 141,220                0.032
#out      7  22,120 92,220                 0.198
#out mask: \x1b[31mrot\x9b bläulich: cannot open: no such file or folder
#out mask: x_ids.txt: line 1: holds a tab or another control character: names are plain text
set -e
mask convert d/demo_precomp --split dev -o folder > /dev/null
name=$(printf '\033[31mrot\302\233 bl\303\244ulich')
mv folder/7.npz "folder/$name.npz"
mask index d/full.mask folder -o G.gallery > /dev/null
echo "$name" > ids
on-terminal mask search G.gallery dog --ids ids
mask search G.gallery dog --ids ids | grep -c -F "$name"
mask search G.gallery dog --ids ids --json | has-keys id
on-terminal mask similar G.gallery "$name" -k 1
text=$(printf 'dog \033[2Jcxt')
set +e
on-terminal mask score --quiet d/full.mask --images folder --image "$name" --text "$text"
on-terminal mask info "$name"
printf 'a\tb\n' > x_ids.txt
cp d/demo_precomp/dev_ims.npy x_ims.npy
for i in $(seq 199); do echo $i; done >> x_ids.txt
mask info x_ims.npy 2>&1
