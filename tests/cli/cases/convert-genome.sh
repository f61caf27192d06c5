#out regions.tsv: 2 regions of 2 images
#out   1 boxes clipped to their image
#out   1 regions dropped: no word was left of their names, or their class is too unsure
#out image*label
#out 1.jpg	3	4	13	24	red t shirt
#out 2.jpg	0	1	5	6	hot dog
cat > objects.json <<'END'
[{"image_id": 1, "objects": [{"object_id": 5, "x": 3, "y": 4, "w": 10, "h": 20, "names": ["T-shirt"]}]},
 {"image_id": 2, "objects": [{"object_id": 6, "x": -1, "y": 1, "w": 6, "h": 5, "names": ["hot dog."]},
                             {"object_id": 7, "x": 1, "y": 1, "w": 6, "h": 5, "names": ["!"]}]}]
END
echo '[{"image_id": 1, "attributes": [{"object_id": 5, "attributes": ["red"]}]}]' > attributes.json
mask convert objects.json --attributes attributes.json --min-count 1 -o regions.tsv
cat regions.tsv
