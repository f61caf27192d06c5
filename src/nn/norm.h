/* Layer normalisation with scale and shift, as PyTorch's nn.LayerNorm (eps 1e-5). */
#ifndef MASK_NN_NORM_H
#define MASK_NN_NORM_H

#include "nn/parameters.h"

typedef struct mask__layernorm {
    size_t d;
    size_t weight, bias; /* offsets of (d), (d) */
} mask__layernorm;

mask__layernorm mask__norm_make(mask__parameters *table, const char *net, const char *name, size_t d);
/* x (n, d) -> y (n, d); stats (n, 2) keeps each row's mean and 1/deviation for the way back. */
void mask__norm_forward(const mask__layernorm *layer, const real *parameters, size_t n, const real *x, real *stats,
                        real *y);
/* dy becomes dx in place; gradients are written. */
void mask__norm_backward(const mask__layernorm *layer, const real *parameters, size_t n, const real *x,
                         const real *stats, real *dy, real *gradients);

#endif
