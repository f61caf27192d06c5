/* Adam as PyTorch's (no weight decay), with the gradient clipped to a global norm. One pass over four flat buffers. */
#ifndef MASK_NN_ADAM_H
#define MASK_NN_ADAM_H

#include "nn/real.h"

typedef struct mask__adam {
    double beta1, beta2, epsilon;
    double clip;   /* largest norm of the whole gradient; 0: never clipped */
    uint64_t step; /* steps taken so far: with the moments, all that a checkpoint needs */
} mask__adam;
#define MASK__ADAM_DEFAULTS ((mask__adam){.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8})

/* Updates parameters and both moments, `size` numbers each. Returns the norm the gradient had before clipping; when it
 * is not finite nothing is changed. */
double mask__adam_step(mask__adam *adam, double rate, size_t size, const real *gradients, real *first, real *second,
                       real *parameters);

#endif
