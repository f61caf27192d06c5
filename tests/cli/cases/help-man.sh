# The manual page is sound roff; its headings.
#out MASK(1) User Commands MASK(1)
#out NAME
#out SYNOPSIS
#out COMMANDS
#out COMMON OPTIONS
#out EXIT STATUS
#out FILES
#out ENVIRONMENT
set -e
mask help --man | groff -man -Tutf8 -ww -P-c -P-b -P-u > page
head -n 1 page | tr -s ' '
grep -E '^[A-Z ]+$' page
