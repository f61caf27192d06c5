/* Linear systems by LAPACKE, in double. Row-major. */
#ifndef MASK_MATH_SOLVE_H
#define MASK_MATH_SOLVE_H

#include "base/error.h"

/* x (n x columns) = a^-1 x for a symmetric positive definite a (n x n, destroyed; only its upper triangle is read). */
mask_status mask__solve_positive(double *a, size_t n, double *x, size_t columns, mask_error *err);

#endif
