/* Which tensors of a network matter to us: the feature map, and of an SSD detector the boxes and scores. */
#ifndef MASK_VISION_PARTS_H
#define MASK_VISION_PARTS_H

#include "vision/graph.h"

typedef struct mask__parts {
    uint32_t features, boxes, scores; /* the latter two MASK__NO_TENSOR in a classifier */
} mask__parts;

/* features is a name for mask__graph_find or NULL: of the tensors with most channels and more than one cell the last.
 */
mask_status mask__parts_find(const mask__graph *graph, const char *features, mask__parts *out, mask_error *err);
/* The input is a square RGB image, the parts have shapes that can be used, and there are as many labels as a detector's
 * scores have classes. */
mask_status mask__parts_check(const mask__graph *graph, const mask__parts *parts, size_t label_count, mask_error *err);

#endif
