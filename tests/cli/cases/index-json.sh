set -e
mask index d/full.mask d/demo_precomp --split dev -o G.gallery --json |
    has-keys gallery images added replaced unchanged segments bytes bytes_per_image seconds images_per_second
mask index add G.gallery d/demo_precomp --split dev --json | has-keys gallery images unchanged
mask index remove G.gallery 1 2 --json | has-keys gallery removed missing
mask index compact G.gallery --json | has-keys gallery images segments_before segments bytes_before bytes bytes_per_image
mask index verify G.gallery --json | has-keys gallery sound images segments
printf 'id\tyear\n7\t1999\n' > m.tsv
mask index metadata G.gallery m.tsv --json | has-keys gallery metadata
mask info G.gallery --json | has-keys kind images removed segments regions words dimensions budget bytes bytes_per_image generation \
    pool calibrate vectors
