# A head that does not fit, and labels that do not.
#out exit 1
#out exit 1
#out exit 1
#out exit 2
#out exit 2
#out exit 2
#err mask: one.txt: has 1 lines, W.npy has 2 classes: give a line per class
#err mask: d/knowledge: its features have 64 dimensions, the classifier's 32: both must be of one encoder
#err mask: missing.npy: cannot open: No such file or directory
#err mask learn: --head of a .npy needs --head-labels FILE, a line of names per class (see: mask help learn)
#err mask learn: --head of a .npy needs --head-labels FILE, a line of names per class (see: mask help learn)
#err mask learn: --head-labels goes with --head (see: mask help learn)
make-npy W.npy 2 64
make-npy narrow.npy 2 32
printf 'one\n' > one.txt
printf 'one\ntwo\n' > two.txt
learn() { mask learn d/knowledge --vectors d/v.mvec --encoder whiten -o K.mask "$@"; echo "exit $?"; }
learn --head W.npy --head-labels one.txt
learn --head narrow.npy --head-labels two.txt
learn --head missing.npy --head-labels two.txt
learn --head W.npy
learn --head E.menc.npy
learn --head-labels two.txt
[ ! -e K.mask ]
