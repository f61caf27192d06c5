/* Looking at one photo: from pixels to regions with features. A looker is one thread's: its networks, its buffers. */
#ifndef MASK_PHOTOS_LOOK_H
#define MASK_PHOTOS_LOOK_H

#include "photos/boxtable.h"
#include "photos/decode.h"
#include "photos/propose.h"
#include "photos/resample.h"

#include <stdbool.h>

/* A network or several, and a photo as each of them looks at it. */
typedef struct mask__eye {
    mask__encoder *encoder;
    const mask__encoder_facts *facts;
    uint8_t **squares; /* of each network */
} mask__eye;

typedef struct mask__looker {
    mask_extract_options options; /* its strings are the caller's */
    mask__eye encoder, detector;  /* the latter without an encoder where none is needed or the first finds the boxes */
    size_t side;                  /* the longest square that is looked at */
    mask__resampler resampler;
    mask__detection *detections;
} mask__looker;

/* What was seen; reused from one photo to the next. {0} is a valid empty one. */
typedef struct mask__view {
    size_t width, height; /* of the photo */
    size_t count;         /* regions */
    mask__proposal *regions;
    float *boxes; /* count x 4, pixels */
    int32_t *labels;
    float *scores, *features;
    size_t regions_capacity, boxes_capacity, labels_capacity, scores_capacity, features_capacity;
} mask__view;

mask_status mask__looker_open(mask__looker *looker, const mask_extract_options *options, int threads, mask_error *err);
void mask__looker_close(mask__looker *looker); /* a zeroed one is fine */
/* What finds boxes, NULL when nothing does. */
const mask__eye *mask__looker_finder(const mask__looker *looker);
/* How many regions a photo has at most, unless they are given. */
size_t mask__looker_most(const mask__looker *looker);
/* Decodes a photo for this looker. An error is about the photo, unless memory is short. */
mask_status mask__look_decode(const mask__looker *looker, const unsigned char *bytes, size_t size, const char *name,
                              mask__photo *photo, mask_error *err);
/* Finds the regions of a decoded photo and their features; given (count of them) replaces detection unless NULL. */
mask_status mask__look(mask__looker *looker, mask__view *view, const mask__photo *photo,
                       const mask__boxtable_row *given, size_t count, mask_error *err);
void mask__view_free(mask__view *view);

#endif
