/* A graph turned into steps for a number of threads: the part of network.h that is decided once. */
#ifndef MASK_VISION_PLAN_H
#define MASK_VISION_PLAN_H

#include "vision/convolution.h"

/* A computed tensor, somewhere in the block of memory while steps need it. */
typedef struct mask__slot {
    size_t count, offset; /* values */
    size_t first, last;   /* steps that write it first and read it last */
} mask__slot;

enum { MASK__NO_SLOT = UINT32_MAX };

typedef struct mask__step {
    const mask__graph_op *op;
    mask__conv *conv; /* of a convolution */
    size_t *inputs;   /* slots; MASK__NO_SLOT for a constant or an absent input */
    size_t output;    /* slot */
} mask__step;

typedef struct mask__plan {
    mask__arena arena;
    mask__step *steps;
    mask__slot *slots;
    size_t step_count, slot_count;
    size_t input, *outputs; /* slots */
    size_t scratch;         /* where the convolutions' working memory begins, behind the slots */
    size_t values;          /* of the block of memory */
} mask__plan;

/* graph is what fuse.h left. For as many threads as OpenMP is set to. Weights that twin (NULL or another plan of the
 * same graph) has laid out alike are shared; it must live longer. */
mask_status mask__plan_make(mask__plan *plan, const mask__graph *graph, const uint32_t *outputs, size_t output_count,
                            const mask__plan *twin, mask_error *err);
void mask__plan_free(mask__plan *plan);
mask_status mask__plan_run(const mask__plan *plan, const mask__graph *graph, float *memory, mask_error *err);

#endif
