# Ctrl-C: one line, status 130, no output.
#exit 130
#err mask: *: stopped after *
interrupt mask calibrate d/white.mask --images d/background_ims.npy --texts d/background_caps.txt -o K.mask
status=$?
[ ! -e K.mask ] || echo "an output stayed" >&2
exit $status
