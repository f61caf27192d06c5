#exit 2
#out
#err mask learn: --vectors FILE.mvec is needed*
mask learn d/knowledge -o K.mask
