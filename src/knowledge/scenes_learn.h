/* Scene prototypes: what whole images that hold a word look like (beyond the paper; docs/matching.md). A word's region
 * prototype says what the thing looks like; its scene prototype says where it is met: "surfing" on waves.
 *
 *   M_j = sum_r a_r unit(mu_r) / sum_r a_r over the labelled regions of image j, a_r = sqrt(box area)
 *   x_j = (M_j - mean M) C, C the whitening of M with shrunk eigenvalues
 *   p_k = mean of x_j over the images that hold word k, shrunk as region prototypes are
 *   q   = (T'T + lambda I)^-1 T'X, T the centred image x word incidence: what word k adds to the other words' scenes
 *   scene prototype of word k = unit(p_k) + unit(q_k) */
#ifndef MASK_KNOWLEDGE_SCENES_LEARN_H
#define MASK_KNOWLEDGE_SCENES_LEARN_H

#include "knowledge/ood.h"
#include "knowledge/scenes.h"
#include "learn/representation.h"

typedef struct mask__scenes {
    size_t images, z;
    float *vectors;    /* images x Z: x_j */
    float *mean;       /* Z: mean M */
    float *projection; /* Z x Z: C */
} mask__scenes;

/* Gathers M over a pass of regions: begin, visit every block (a mask__region_visitor), finish. */
typedef struct mask__scene_gatherer {
    const mask_labels *labels;
    mask__scenes scenes;
    float *weights; /* images: sum of a_r */
} mask__scene_gatherer;
mask_status mask__scenes_begin(mask__scene_gatherer *gatherer, const mask_labels *labels, size_t z, mask__arena *arena,
                               mask_error *err);
void mask__scenes_visit(void *gatherer, size_t first, size_t rows, const float *mu);
mask_status mask__scenes_finish(mask__scene_gatherer *gatherer, mask__scenes *out, mask_error *err);

/* out (words x Z) from the images that `use` accepts (images, NULL = all). */
mask_status mask__scene_prototypes(const mask__scenes *scenes, const mask__incidence *incidence, const bool *use,
                                   const mask__neighbours *neighbours, float pseudo_counts, float *out,
                                   mask_error *err);

#endif
