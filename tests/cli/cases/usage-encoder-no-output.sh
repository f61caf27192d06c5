#exit 2
#err mask encoder import: -o E.menc is needed*
mask encoder import net.tflite
