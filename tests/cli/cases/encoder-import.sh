#out encoder        detector of 32 x 32 pixels, 20 features from 2 x 2 cells, 3 labels
#out made from      net.data
#out encoder        classifier of 32 x 32 pixels, 20 features from 2 x 2 cells, 0 labels
#out made from      here, my own
#out encoder        classifier of *
#out made from      here, my own
set -e
make-tflite detector > net.data
make-tflite classifier > net.tflite
mask encoder import net.data -o E.menc
mask encoder import net.tflite -o C.menc --provenance "here, my own" --mean 123.7,116.3,103.5 --deviation 58
mask info C.menc
