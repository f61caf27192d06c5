#out regions.tsv: 1 regions of 1 images
#out   1 phrases dropped: they have no box
#out image	x1	y1	x2	y2	label
#out 7.jpg	1	2	30	60	Two men
mkdir -p e/Sentences e/Annotations
echo '[/EN#1/people Two men] near [/EN#0/notvisual something] .' > e/Sentences/7.txt
echo '<annotation><object><name>1</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>60</ymax></bndbox></object></annotation>' > e/Annotations/7.xml
mask convert --entities e -o regions.tsv
cat regions.tsv
