#exit 1
#err mask: net.tflite: operator 0 (TANH): is not supported*
make-tflite tanh > net.tflite
mask encoder import net.tflite -o E.menc
