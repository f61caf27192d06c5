/* Looking at one photo: from a file to regions with features. A looker is one thread's: its encoder, its buffers. */
#ifndef MASK_PHOTOS_LOOK_H
#define MASK_PHOTOS_LOOK_H

#include "photos/boxtable.h"
#include "photos/decode.h"
#include "photos/propose.h"
#include "photos/resample.h"

#include <stdbool.h>

typedef struct mask__looker {
    mask_extract_options options;
    mask__encoder *encoder;
    mask__resampler resampler;
    uint8_t *squares; /* a few pictures as the network looks at them */
    mask__detection *detections;
} mask__looker;

/* What was seen; reused from one photo to the next. {0} is a valid empty one. */
typedef struct mask__view {
    unsigned char *bytes; /* the file, between read and look */
    size_t size;
    uint64_t hash; /* of the bytes */
    size_t width, height;
    size_t count; /* regions */
    mask__proposal *regions;
    float *boxes; /* count x 4, pixels */
    int32_t *labels;
    float *scores, *features;
    size_t regions_capacity, boxes_capacity, labels_capacity, scores_capacity, features_capacity;
} mask__view;

mask_status mask__looker_open(mask__looker *looker, const mask_extract_options *options, mask_error *err);
void mask__looker_close(mask__looker *looker); /* a zeroed one is fine */

/* Reads and hashes the file. */
mask_status mask__look_read(mask__view *view, const char *path, mask_error *err);
void mask__look_forget(mask__view *view); /* frees what was read, keeps its hash */
/* Decodes what was read, and forgets it. Errors of this one and of reading are about the photo, unless memory is short.
 */
mask_status mask__look_decode(const mask__looker *looker, mask__view *view, const char *path, mask__photo *photo,
                              mask_error *err);
/* Finds the regions of a decoded photo and their features; given (count of them) replaces detection unless NULL. */
mask_status mask__look(mask__looker *looker, mask__view *view, const mask__photo *photo,
                       const mask__boxtable_row *given, size_t count, mask_error *err);
void mask__view_free(mask__view *view);

#endif
