#exit 2
#err mask reproduce: expected flickr30k|mscoco|flickr8k*
#err mask reproduce: imagenet: must be flickr30k, mscoco or flickr8k*
#err mask reproduce: --data DIR is needed*
#err mask reproduce: -o REPORT.html is needed*
mask reproduce
mask reproduce imagenet
mask reproduce flickr30k
mask reproduce flickr30k --data .
