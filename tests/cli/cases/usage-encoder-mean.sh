#exit 2
#err mask encoder import: --mean 1,2: one number, or three with commas between *
make-tflite classifier > net.tflite
mask encoder import net.tflite -o E.menc --mean 1,2
