/* The training loss and its gradients by the networks' outputs (the paper's Eq. 5, 6, 9, 14). Labels are pairs (region,
 * word); a region may carry several words. */
#ifndef MASK_NN_LOSSES_H
#define MASK_NN_LOSSES_H

#include "nn/networks.h"

/* Weights of the five terms; lambda1 weighs word and structure, lambda2 contrast. */
typedef struct mask__loss_options {
    double kl, rec, word, structure, contrast;
    double temperature; /* tau of contrast */
    bool per_dimension; /* kl and rec: mean over the dimensions instead of their sum */
} mask__loss_options;
#define MASK__LOSS_DEFAULTS                                                                                            \
    ((mask__loss_options){.kl = 1, .rec = 1, .word = 3, .structure = 3, .contrast = 3, .temperature = 0.1})

typedef struct mask__loss_values {
    double kl, rec, word, structure, contrast; /* without their weights */
    double total;                              /* with them */
} mask__loss_values;

typedef struct mask__label {
    uint32_t region, word;
} mask__label;

typedef struct mask__labels_batch {
    const mask__label *pairs;
    size_t count;
    const real *unit_words; /* (K, N) word vectors of unit length */
} mask__labels_batch;

/* Rows of a batch: those of this process, where several share it. */
typedef struct mask__rows {
    size_t first, count;
} mask__rows;

typedef struct mask__loss_work mask__loss_work;

mask_status mask__loss_work_make(mask__loss_work **out, const mask__networks *networks, size_t max_rows,
                                 size_t max_pairs, mask__product *product, mask_error *err);
void mask__loss_work_free(mask__loss_work *work);

/* Reads out, writes the gradients d (all of them; d->r2 may be out->r2) for n regions r (n, M). Terms that have no pair
 * to speak of (one region, no label) are 0. */
void mask__losses(const mask__loss_options *options, const mask__networks *networks, size_t n, const real *r,
                  const mask__labels_batch *labels, const mask__outputs *out, mask__loss_work *work,
                  const mask__outputs *d, mask__loss_values *values);
/* The same for some of the n rows: out->mu and out->w2 hold all of them; r, the other outputs and d only these. kl and
 * rec are these rows' parts of the sum, the other terms are those of all. */
void mask__losses_of(const mask__loss_options *options, const mask__networks *networks, mask__rows own, size_t n,
                     const real *r, const mask__labels_batch *labels, const mask__outputs *out, mask__loss_work *work,
                     const mask__outputs *d, mask__loss_values *values);

#endif
