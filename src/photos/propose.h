/* Which parts of a photo become its regions: the whole photo first, then what was detected, then the cells of grids. */
#ifndef MASK_PHOTOS_PROPOSE_H
#define MASK_PHOTOS_PROPOSE_H

#include "vision/encoder.h"

#include <stddef.h>

typedef struct mask__proposal {
    float box[4]; /* x1, y1, x2, y2, each in [0, 1], x1 < x2, y1 < y2 */
    float score;
    int32_t label; /* -1 = not detected */
} mask__proposal;

/* Grids of from x from (at least 2 x 2) to `to` x `to` cells; neighbours share `overlap` of their width or height. */
typedef struct mask__grids {
    size_t from, to;
    float overlap;
} mask__grids;

/* How many there are at most. */
size_t mask__propose_most(size_t detections, const mask__grids *grids);
/* Writes them to out; returns how many. Detections that are thinner than a hundredth of the photo are left out. */
size_t mask__propose(const mask__detection *detections, size_t count, const mask__grids *grids, mask__proposal *out);
/* A given box in pixels of a width x height photo, cut to the photo and at least a pixel wide and high. */
mask__proposal mask__propose_given(const float box[4], size_t width, size_t height);

#endif
