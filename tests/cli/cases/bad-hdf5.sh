#exit 1
#err mask: x.h5: cannot be opened as HDF5: it was cut or damaged, or is being written: copy it again
printf '\211HDF\r\n\032\nand then nothing of the kind' > x.h5
mask info x.h5
