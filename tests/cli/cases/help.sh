#out mask *: matches images with texts*
#out   learn *
#out   eval *
mask help
