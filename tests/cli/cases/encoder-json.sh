set -e
make-tflite detector > net.data
mask encoder import net.data -o E.menc --json | has-keys kind network size features map labels provenance
mask info E.menc --json | has-keys kind network size features map labels provenance
