# A damaged file leaves no table behind.
#exit 1
#err mask: objects.json: before byte 40: *: the file is cut or not JSON, fetch it again
printf '[{"image_id": 1, "objects": [{"object_id' > objects.json
mask convert objects.json -o regions.tsv || { code=$?; [ ! -e regions.tsv ]; exit $code; }
