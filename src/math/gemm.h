/* C = alpha op(A) op(B) + beta C, row-major, by oneDNN (float) or by plain loops (double: small matrices, and tests).
 * op(A) is m x k, op(B) is k x n; lda, ldb, ldc are row strides in elements of the stored (untransposed) matrices. */
#ifndef MASK_MATH_GEMM_H
#define MASK_MATH_GEMM_H

#include <stdbool.h>
#include <stddef.h>

void mask__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);
void mask__gemm_double(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha, const double *a,
                       size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc);

#endif
