#exit 2
#err mask learn: --vectors V.mvec is needed*
mask learn d/knowledge -o K.mask
