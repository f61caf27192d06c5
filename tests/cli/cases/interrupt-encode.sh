# Ctrl-C while a (large) file is being written: nothing of it stays.
#exit 130
#err mask: encoding: stopped after *
make-npy x_ims.npy 1000000 8 64
interrupt --once 'mu.npy.tmp-*' mask encode d/white.mask x_ims.npy -o mu.npy
status=$?
[ ! -e mu.npy ] || echo "an output stayed" >&2
exit $status
