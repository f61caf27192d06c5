#exit 1
#err mask: net.tflite: has no feature map 'nothing'*
make-tflite classifier > net.tflite
mask encoder import net.tflite -o E.menc --features nothing
