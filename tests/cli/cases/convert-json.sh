mask convert d/demo_precomp --split dev -o b.tsv --json | has-keys file images regions dimensions
