#out encoder        detector of *, 3 labels
#out made from      net.tflite
set -e
make-tflite detector | tail -c +13 > net.tflite
printf 'cow\nhorse\n' > labels
mask encoder import net.tflite -o E.menc --labels labels
