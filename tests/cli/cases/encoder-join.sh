#out encoder        classifier of 32 x 32 pixels, 20 features from 2 x 2 cells, 0 labels
#out made from      here
#out encoder        classifier of 32 x 32 pixels, 40 features from 2 x 2 cells, 0 labels
#out networks       2 side by side, the first as above
#out made from      here; here
#err mask: D.menc: is a detector or one network too many: up to 8 classifiers go side by side
#exit 1
set -e
make-tflite detector > net.data
make-tflite classifier > net.tflite
mask encoder import net.data -o D.menc > /dev/null
mask encoder import net.tflite -o C.menc --provenance here
mask encoder join C.menc C.menc -o both.menc
mask encoder join D.menc D.menc -o no.menc
