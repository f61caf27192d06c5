/* The cycle-consistency loss of domain fine-tuning (Eq. 88-93) and its gradient, by hand. It knows matrices only.
 *
 *   a = u W (J x Z), b = mu W (I x Z)        u: prototypes of words, mu: regions
 *   one side, x finding itself by way of y:  A = softmax(x y' / T), x2 = A y, loss = sum_i CE(softmax(x x2' / T)_i, i)
 *   loss = side(a, b) + side(b, a)
 *
 * With `unit` the rows of a and b are brought to unit length first (ours, not the paper's): matching compares cosines,
 * which do not see that a longer W makes every softmax sharper. */
#ifndef MASK_ADAPT_CYCLE_H
#define MASK_ADAPT_CYCLE_H

#include "base/error.h"
#include "base/memory.h"
#include "nn/real.h"

typedef struct mask__cycle {
    size_t z;
    bool unit;
    real *a, *b, *da, *db;                  /* rows x Z */
    real *found, *d_found;                  /* rows x Z: x2 */
    real *attention, *d_attention, *logits; /* J x I, rows x rows */
    real *a_norms, *b_norms;                /* rows */
    double *losses;                         /* rows */
    mask__arena arena;
} mask__cycle;

/* Room for batches of that many words and regions. */
mask_status mask__cycle_make(mask__cycle *cycle, size_t max_words, size_t max_regions, size_t z, mask_error *err);
void mask__cycle_free(mask__cycle *cycle);
/* The loss of a batch, summed over its rows; gradient (Z x Z, NULL = not asked) receives its derivative in w. */
double mask__cycle_loss(mask__cycle *cycle, const real *u, size_t words, const real *mu, size_t regions, const real *w,
                        real temperature, real *gradient);

#endif
