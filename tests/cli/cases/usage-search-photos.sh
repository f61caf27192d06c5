#exit 2
#err mask search: expected a text, or --queries FILE (see: mask help search)
mask search --photos .
