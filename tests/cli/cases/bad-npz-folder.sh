#exit 1
#err mask: x/a.npz: cannot open as .npz: *: make or copy it again
mkdir x
echo no > x/a.npz
mask encode d/raw.mask x -o mu.npy
