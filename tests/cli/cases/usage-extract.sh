# Missing output, and values that are out of range.
#exit 2
#err mask extract: -o REGIONS is needed: store to write or continue; with --boxes, a folder (see: mask help extract)
#err mask extract: --shape round: must be one of stretch, pad (see: mask help extract)
#err mask extract: --grid 9: must be a whole number from 0 to 8 (see: mask help extract)
#err mask extract: --max-pixels 0: must be a whole number from 1 to 1000000000000 (see: mask help extract)
#err mask extract: expected PHOTOS... (see: mask help extract)
mask extract d
mask extract d -o r.regions --shape round
mask extract d -o r.regions --grid 9
mask extract d -o r.regions --max-pixels 0
mask extract -o r.regions
