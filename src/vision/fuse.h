/* Which operators a convolution does on the way: padding before it, a residual sum and an activation after it; and
 * which nobody needs for the outputs asked for. */
#ifndef MASK_VISION_FUSE_H
#define MASK_VISION_FUSE_H

#include "vision/graph.h"

/* What an operator really does; for others than convolutions only `skip` matters. */
typedef struct mask__fusion {
    bool skip;              /* a convolution does it, or nobody needs it */
    uint32_t input, output; /* tensors it reads and makes */
    uint32_t add;           /* tensor that its result is added to, in place; MASK__NO_TENSOR = none */
    mask__activation activation;
    size_t pad_before[2], pad_after[2];
} mask__fusion;

/* One fusion for each operator, in memory of the arena; NULL when memory is short. Tensors of outputs stay themselves.
 */
mask__fusion *mask__fuse(const mask__graph *graph, const uint32_t *outputs, size_t output_count, mask__arena *arena);

#endif
