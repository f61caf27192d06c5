/* Decompositions and linear systems by LAPACKE, in double. Row-major. MASK_ENOTFOUND where it is not installed. */
#ifndef MASK_MATH_EIGEN_H
#define MASK_MATH_EIGEN_H

#include "base/error.h"

/* The `count` largest eigenpairs of the symmetric n x n matrix a (destroyed): values[count] descending,
 * vectors[n * count], column j belongs to values[j]; each column's largest entry in magnitude is positive, so the
 * result does not depend on the LAPACK at hand. */
mask_status mask__eigen_symmetric(double *a, size_t n, size_t count, double *values, double *vectors, mask_error *err);
/* Thin SVD of a (m x n, destroyed): a = u diag(s) vt, r = min(m, n), u[m * r], s[r], vt[r * n]. */
mask_status mask__svd_thin(double *a, size_t m, size_t n, double *u, double *s, double *vt, mask_error *err);
/* x (n x columns) = a^-1 x for a symmetric positive definite a (n x n, destroyed; only its upper triangle is read). */
mask_status mask__solve_positive(double *a, size_t n, double *x, size_t columns, mask_error *err);

#endif
