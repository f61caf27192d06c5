#exit 1
#out
#err mask: d/v.mvec has no word 'blorp': *
mask vectors near d/v.mvec blorp
