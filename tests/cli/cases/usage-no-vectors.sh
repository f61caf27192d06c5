#exit 2
#err mask learn: --vectors FILE.mvec is needed*
mask learn d/knowledge -o K.mask
