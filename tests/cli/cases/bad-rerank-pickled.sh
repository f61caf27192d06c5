#exit 1
#err mask: S.npy: byte *: holds pickled Python objects, which are never loaded: save it again with np.save(*
printf "\223NUMPY\001\000\076\000{'descr': '|O', 'fortran_order': False, 'shape': (), }        \nabc" > S.npy
mask rerank --base S.npy --knowledge d/full.mask d/demo_precomp --split dev
