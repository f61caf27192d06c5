/* Fully connected layer, and what every layer needs of a matrix's columns. All rows of a batch at once. */
#ifndef MASK_NN_LINEAR_H
#define MASK_NN_LINEAR_H

#include "nn/parameters.h"
#include "nn/product.h"

typedef struct mask__linear {
    size_t in, out;
    bool relu;
    size_t weight, bias; /* offsets of (out, in), (out) */
} mask__linear;

mask__linear mask__linear_make(mask__parameters *table, const char *net, const char *name, size_t in, size_t out,
                               bool relu);
/* x (n, in) -> y (n, out) */
void mask__linear_forward(const mask__linear *layer, const real *parameters, mask__product *product, size_t n,
                          const real *x, real *y);
/* dy (n, out) -> dx (n, in), NULL when nobody wants it; gradients are written, not added. With relu, dy is masked in
 * place by y > 0. */
void mask__linear_backward(const mask__linear *layer, const real *parameters, mask__product *product, size_t n,
                           const real *x, const real *y, real *dy, real *dx, real *gradients);

/* out (d) = sums of the columns of x (n, d) */
void mask__column_sums(size_t n, size_t d, const real *x, real *out);

enum { MASK__COLUMN_CHUNK = 128 }; /* columns a thread sums down the rows: long enough a run of memory to stream */

#endif
