# A pipe that nobody writes is refused, never waited for; one that is written is read where a stream makes sense.
#out mask: pipe: nothing came through this pipe: start what writes it first
#out 1
#out mask: pipe: nothing came through this pipe: start what writes it first
#out 1
#out mask: pipe: nothing came through this pipe: start what writes it first
#out 1
#out mask: pipe: nothing came through this pipe: start what writes it first
#out 1
#out mask: pipe: is not a regular file
#out 1
#out mask: pipe: is a device or pipe, not a regular file: name another
#out 1
#out mask: pipe: is a device or pipe, not a regular file: name another
#out 1
#out mask: pipe: vectors are not read from a pipe: save them to a file
#out 1
#out mask: pipe: is a device or pipe, not a regular file: name another
#out 1
#out mask: folder/a.npz: is a device or pipe, not a regular file: name another
#out 1
#out                       R@1    R@5   R@10    medr    meanr
#out     1    -0.8665    6%  7
mkfifo pipe
mkdir folder
mask index d/full.mask d/demo_precomp --split dev -o G.gallery > /dev/null
try() {
    timeout 20 mask "$@" 2>&1
    echo "$?"
}
try eval d/full.mask d/demo_precomp/dev_ims.npy --captions pipe
try calibrate d/white.mask --images d/background_ims.npy --texts pipe -o c.mask
try search G.gallery --queries pipe
try search G.gallery dog --ids pipe
try eval pipe d/demo_precomp --split dev
try encode d/white.mask pipe -o mu.npy
try info pipe
try vectors import pipe -o p.mvec
try index metadata G.gallery pipe
ln pipe folder/a.npz
try info folder
cat d/demo_precomp/dev_caps.txt > pipe &
timeout 60 mask eval d/raw.mask d/demo_precomp/dev_ims.npy --captions pipe | head -1
echo 7 > pipe &
timeout 60 mask search G.gallery dog --ids pipe
