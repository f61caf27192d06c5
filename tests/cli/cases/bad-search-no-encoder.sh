#exit 1
#err mask: /nonexistent: *
XDG_CACHE_HOME=$PWD/cache MASK_ENCODER=/nonexistent mask search --photos . dog
