set -e
mask vectors import d/vectors.txt -o V.mvec --json | has-keys file words dimensions
mask vectors near V.mvec dog --json | has-keys word cosine
