#exit 2
#err mask convert: --labels needs one TSV file and --vocabulary, the names of its classes (see: mask help convert)
mask convert some.tsv --labels -o folder
