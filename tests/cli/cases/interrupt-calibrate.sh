# Ctrl-C: one line, status 1, no output.
#exit 1
#err mask: *: stopped after *
interrupt mask calibrate d/white.mask --images d/background_ims.npy --texts d/background_caps.txt -o K.mask
status=$?
[ ! -e K.mask ] || echo "an output stayed" >&2
exit $status
