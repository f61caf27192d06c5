#exit 2
#err mask convert: MACK's knowledge needs --mack-vocabulary, --mack-prototypes and --vectors, and no other input (see*
mask convert --mack-vocabulary vocabulary.json -o K.mask
