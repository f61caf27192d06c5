/* The large matrix products of the layers, C = op(A) op(B) + beta C as in math/gemm.h: in float, or, where asked for
 * and the processor has AVX512_BF16, with operands rounded to bfloat16 (8 bits of precision) and sums in float, which
 * is twice as fast. Parameters, activations and gradients stay float either way. */
#ifndef MASK_NN_PRODUCT_H
#define MASK_NN_PRODUCT_H

#include "base/error.h"
#include "nn/real.h"

#include <stdbool.h>

typedef struct mask__product mask__product; /* NULL stands for float */

/* bfloat16 products of operands of at most max_numbers each. MASK_EINVAL where the processor cannot. One thread's use
 * at a time (it works with OpenMP's current number of threads). */
mask_status mask__product_make(mask__product **out, size_t max_numbers, mask_error *err);
void mask__product_free(mask__product *product);

/* The largest norm of what bfloat16 rounds off one of `rows` of n numbers. */
float mask__product_loss(const float *values, size_t rows, size_t n);

/* product may be NULL. */
void mask__product_run(mask__product *product, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                       const real *a, size_t lda, const real *b, size_t ldb, real beta, real *c, size_t ldc);

#endif
