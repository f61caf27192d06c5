#exit 1
#err mask: V.mvec: *
cp d/v.mvec V.mvec
chmod +w V.mvec
printf x | dd of=V.mvec bs=1 seek=200 conv=notrunc 2> /dev/null
mask info V.mvec
