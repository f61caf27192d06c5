#out 1: mask: v.mvec: is a device or pipe, not a regular file: name another
#out 1: mask: k.mask: cannot create: is a device or pipe: choose another place for the output
#out 1: mask: m.jsonl: is a device or pipe, not a regular file: name another
#out 1: mask: c.mask: cannot create: is a device or pipe: choose another place for the output
#out 1: mask: mu.npy: is a device or pipe, not a regular file: name another
#out 1: mask: s.npy: cannot create: is a device or pipe: choose another place for the output
#out 1: mask: x_ims.npy: is a device or pipe, not a regular file: name another
#out 1: mask: y_ids.txt: is a device or pipe, not a regular file: name another
#out 1: mask: x.tsv: is a device or pipe, not a regular file: name another
#out 1: mask: folder/3.npz: is a device or pipe, not a regular file: name another
#out 1: mask: r-t2i.npy: is a device or pipe, not a regular file: name another
#out 1: mask: a.mask: cannot create: is a device or pipe: choose another place for the output
#out 1: mask: i.gallery: cannot make this folder: File exists
#out 1: mask: p.html: cannot create: is a device or pipe: choose another place for the output
#out 1: mask: regions.db: cannot create: is a device or pipe: choose another place for the output
#out 1: mask: H.gallery/catalogue.sqlite: is a device or pipe, not a regular file: name another
set -e
mask eval d/raw.mask d/demo_precomp --split dev --save-sims S.npy > /dev/null
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
mkdir d8 folder photos
ln -s ../d/knowledge ../d/background_ims.npy ../d/background_caps.txt ../d/vectors.txt d8/
ln -s ../d/demo_precomp d8/f8k_precomp
set +e
refused() {
    mkfifo "$1"
    pipe=$1
    shift
    timeout 60 mask "$@" > /dev/null 2> err
    echo "$?: $(grep -v '^warning' err)"
    [ -p "$pipe" ] || echo "$pipe: replaced"
}
refused v.mvec vectors import d/vectors.txt -o v.mvec
refused k.mask learn d/knowledge --vectors d/v.mvec --encoder none -o k.mask
refused m.jsonl learn d/knowledge --vectors d/v.mvec --encoder mask --epochs 1 --metrics m.jsonl -o m.mask
refused c.mask calibrate d/white.mask --images d/background_ims.npy --texts d/background_caps.txt -o c.mask
refused mu.npy encode d/white.mask d/demo_precomp --split dev -o mu.npy
refused s.npy eval d/raw.mask d/demo_precomp --split dev --save-sims s.npy
refused x_ims.npy convert d/demo_precomp --split dev -o x_ims.npy
refused y_ids.txt convert d/demo_precomp --split dev -o y_ims.npy
refused x.tsv convert d/demo_precomp --split dev -o x.tsv
refused folder/3.npz convert d/demo_precomp --split dev -o folder
refused r-t2i.npy rerank --base S.npy --knowledge d/full.mask d/demo_precomp --split dev --save-sims r.npy
refused a.mask adapt d/full.mask --images d/background_ims.npy --texts d/background_caps.txt -o a.mask
refused i.gallery index d/full.mask d/demo_precomp --split dev -o i.gallery
refused p.html search G.gallery dog --html p.html
refused regions.db extract photos -o regions.db
mkdir H.gallery
refused H.gallery/catalogue.sqlite index d/full.mask d/demo_precomp --split dev -o H.gallery
