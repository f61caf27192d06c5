#exit 1
#err mask: d/v.mvec has no word 'blorp': *
mask vectors near d/v.mvec blorp
