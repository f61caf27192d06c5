#out h.npy: 200 images, 600 regions, 64 dimensions
#out images         200 x 3 regions x 64 dimensions, with boxes
mask convert d/demo_precomp --split dev --regions 3 --half -o h.npy
mask info h.npy
[ $(wc -c < h.npy) -eq $((128 + 200 * 3 * 64 * 2)) ] || echo "not float16" >&2
