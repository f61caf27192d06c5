/* A network made shorter: operators that nobody needs are left out, those that stand for one are that one, and a
 * convolution takes in the padding before it and the factors, sums and activations after it. */
#ifndef MASK_VISION_FUSE_H
#define MASK_VISION_FUSE_H

#include "vision/graph.h"

/* What remains of `graph`, which must live longer, for these outputs. A convolution's fourth input, where it has one,
 * is the tensor that its result is added to, in place; matrices times constants have become convolutions of a window of
 * 1, whose input may have any dimensions. */
mask_status mask__fuse(const mask__graph *graph, const uint32_t *outputs, size_t output_count, mask__graph *out,
                       mask_error *err);

#endif
