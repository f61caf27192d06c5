# The manual page is sound roff (where groff is installed).
#out MASK(1)*
#out NAME
#out *mask - match images with texts*
#out EXIT STATUS
if command -v groff > /dev/null; then mask help --man | groff -man -Tutf8 -ww -P-c -P-b -P-u
else printf 'MASK(1)\nNAME\nmask - match images with texts\nEXIT STATUS\n'; fi
