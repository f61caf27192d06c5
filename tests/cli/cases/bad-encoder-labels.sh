#exit 1
#err mask: net.tflite: the scores have 3 classes*there are 0 labels*
make-tflite detector | tail -c +13 > net.tflite
mask encoder import net.tflite -o E.menc
