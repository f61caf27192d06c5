#exit 1
#err mask: V.mvec: cannot open: *: pass --vectors FILE where they are now, or --ood off *
cp d/v.mvec V.mvec
mask learn d/knowledge --encoder whiten --vectors V.mvec -o K.mask > /dev/null
rm V.mvec
mask eval K.mask d/demo_precomp --split dev
