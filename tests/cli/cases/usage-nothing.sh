# All of it goes to stderr; which commands there are is for help-each.sh to see.
#exit 2
#out mask *
#out Usage: mask COMMAND*
#out   vectors import *
#out   mask help COMMAND *
#out Results go to stdout*
mask > results 2> said
status=$?
cat said
test ! -s results || echo "something went to stdout" >&2
exit $status
