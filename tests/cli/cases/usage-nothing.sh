#exit 2
# Without a command, help goes to stderr.
mask 2> said
status=$?
mask help | diff - said && exit $status
