#exit 2
#err mask convert: --recipe mine: must be one of butd, mack, mask (see: mask help convert)
mask convert objects.json --recipe mine -o regions.tsv
