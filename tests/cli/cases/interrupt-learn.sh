# Ctrl-C: one line, status 130, no output.
#exit 130
#err mask: *: stopped after *
interrupt mask learn d/knowledge --vectors d/v.mvec -o K.mask
status=$?
[ ! -e K.mask ] || echo "an output stayed" >&2
exit $status
