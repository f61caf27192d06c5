/* The number type of the networks. They are built twice from the same sources: in float, which is what runs, and with
 * MASK_DOUBLE in double, which only the gradient checks link. */
#ifndef MASK_NN_REAL_H
#define MASK_NN_REAL_H

#include "math/exp.h"
#include "math/gemm.h"

#include <math.h>
#include <stdint.h>

#ifdef MASK_DOUBLE
typedef double real;
#define mask__real_gemm mask__gemm_double

static inline double mask__exp(double x)
{
    return exp(x);
}
static inline double mask__sqrt(double x)
{
    return sqrt(x);
}
#else
typedef float real;
#define mask__real_gemm mask__gemm

static inline float mask__exp(float x)
{
    return mask__expf(x);
}
static inline float mask__sqrt(float x)
{
    return sqrtf(x);
}
#endif

static inline real mask__real_dot(const real *a, const real *b, size_t n)
{
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

#endif
