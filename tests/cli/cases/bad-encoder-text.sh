#exit 1
#err mask: d/vectors.txt: byte 0: neither an ONNX model, nor a TFLite file*
mask encoder import d/vectors.txt -o E.menc
