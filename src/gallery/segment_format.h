/* What the reader (segment.c) and the writer (segment_write.c) of segments must agree on. */
#ifndef MASK_GALLERY_SEGMENT_FORMAT_H
#define MASK_GALLERY_SEGMENT_FORMAT_H

#define MASK__SEGMENT_MAGIC "MASKSEGM"
/* Version 2 may have its vectors in float16; one in float is written as version 1. */
enum { MASK__SEGMENT_VERSION = 2 };

/* values, codes, steps */
static const char *const mask__whole_names[3] = {"whole", "whole.codes", "whole.steps"};
static const char *const mask__scene_names[3] = {"scenes", "scenes.codes", "scenes.steps"};

#endif
