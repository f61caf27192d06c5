/* How far a word's columns can be trusted, learned on the labelled images themselves (beyond the paper): each fold of
 * the images is scored with prototypes from the other folds, and a word whose own images score no higher than others
 * weighs less. Without cross-fitting a prototype would be judged by regions it was made of.
 *
 *   d_k = mean over images with word k of z(max over its regions of cos(mu, v_k)) + 0.8 z(scene cosine), z within a
 * fold reliability_k = (max(d_k shrunk by 10 images to the median, 0.2) / median)^power */
#ifndef MASK_KNOWLEDGE_RELIABILITY_H
#define MASK_KNOWLEDGE_RELIABILITY_H

#include "knowledge/regionpass.h"
#include "knowledge/scenes_learn.h"

enum {
    MASK__FOLDS = 5,              /* image j belongs to fold j % MASK__FOLDS */
    MASK__SLOTS = MASK__FOLDS + 1 /* of sums: the folds, and what came from no image (headrows.h) */
};

typedef struct mask__reliability_input {
    const mask_labels *labels;
    const mask__representation *representation;
    const mask__scenes *scenes;
    const mask__incidence *incidence;
    const mask__neighbours *neighbours; /* of the known words among themselves */
    float pseudo_counts;
    const double *fold_sums;     /* MASK__SLOTS x K x Z: sums of mu over the regions of a word in a fold */
    const uint64_t *fold_counts; /* MASK__SLOTS x K */
} mask__reliability_input;

/* out: K values around 1. */
mask_status mask__reliability(const mask__reliability_input *input, float power, float *out, const mask_run *run,
                              mask_error *err);

#endif
