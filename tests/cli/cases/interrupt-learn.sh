# Ctrl-C: one line, status 1, no output.
#exit 1
#err mask: *: stopped after *
interrupt mask learn d/knowledge --vectors d/v.mvec -o K.mask
status=$?
[ ! -e K.mask ] || echo "an output stayed" >&2
exit $status
