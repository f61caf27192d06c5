# Ctrl-C: one line, status 130, no output.
#exit 130
#err mask: *: stopped after *
interrupt mask eval d/full.mask d/demo_precomp --split dev --save-sims K.mask
status=$?
[ ! -e K.mask ] || echo "an output stayed" >&2
exit $status
