# All of it goes to stderr; which commands there are is for help-each.sh to see.
#exit 2
#out mask *
#out
#out Usage: mask COMMAND*
#out
#out   vectors import *
#out   vectors near     Print the words nearest to a word by cosine
#out   learn            Learn a knowledge from labelled regions, or from a classifier's classes
#out   calibrate        Store unpaired background images and texts in a knowledge, so that scores become comparable
#out   teach            Add a word to a knowledge, or sharpen one, from a few of your own photos
#out   info             Say what a .mask, a .mvec, a .gallery, a region store, a feature file or a folder of regions holds
#out   words            Show what becomes of words or whole texts: known, OOD with its neighbours, or dropped and why
#out   encode           Write the region representations mu of images as a float32 .npy
#out   score            Score one image with one text and explain it: words, regions, calibration
#out   eval             Recall of a knowledge on images with five captions each
#out   convert          Write region features in another format, or annotations as labelled regions
#out   extract          Find the regions of photos and write their features
#out   rerank           Re-rank the best candidates of another model's scores
#out   adapt            Fit a knowledge to a domain with unpaired images and texts of it
#out   encoder import   Import a network that reads photos into a .menc file
#out   encoder join     Put several encoders side by side into one .menc file
#out   index            Make a gallery of images that can be searched in milliseconds, or continue one
#out   index add        Add images to a gallery; an id that is there already is replaced
#out   index remove     Remove images from a gallery by id
#out   index compact    Rewrite segments with many removed images and join small ones; scores stay the same bits
#out   index verify     Read all of a gallery against its checksums
#out   index metadata   Set metadata columns of a gallery's images from a tab-separated table
#out   search           The images of a gallery that match texts best, in exact order
#out   similar          The images of a gallery, or the photos of a folder, most like an image
#out   annotate         The texts of a file that describe an image of a gallery best, or each of its images
#out   report           What the photos of a folder or a gallery show: the words of the most photos, with the surest ones
#out   export clickhouse A gallery into ClickHouse, to be searched there, on one server or many
#out   serve            Serve galleries, or folders of photos, as a web page and an HTTP API on this machine
#out   cache list       List what search --photos keeps: size, photos, last use and folders
#out   cache clear      Remove what search --photos keeps, of one folder of photos or of all; photos are never touched
#out
#out   mask help COMMAND *
#out
#out Results go to stdout*
mask > results 2> said
status=$?
cat said
test ! -s results || echo "something went to stdout" >&2
exit $status
