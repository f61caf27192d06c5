#exit 2
#err mask encoder import: -o FILE.menc is needed *
mask encoder import net.tflite
