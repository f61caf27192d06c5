#include "nn/adam.h"

enum { BLOCK = 1 << 14, BLOCKS_AT_ONCE = 256 };

/* |x|, summed by fixed blocks so that the number of threads does not matter. */
static double norm_of(size_t size, const real *x)
{
    double all = 0, part[BLOCKS_AT_ONCE];
    for (size_t from = 0; from < size; from += (size_t)BLOCK * BLOCKS_AT_ONCE) {
        size_t left = size - from, blocks = (left + BLOCK - 1) / BLOCK;
        if (blocks > BLOCKS_AT_ONCE) blocks = BLOCKS_AT_ONCE;
#pragma omp parallel for schedule(static)
        for (size_t b = 0; b < blocks; b++) {
            size_t at = from + b * BLOCK, count = size - at < BLOCK ? size - at : BLOCK;
            part[b] = mask__real_dot(x + at, x + at, count);
        }
        for (size_t b = 0; b < blocks; b++) all += part[b];
    }
    return sqrt(all);
}

/* m = b1 m + (1 - b1) g;   v = b2 v + (1 - b2) g^2;   p -= rate / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps) */
double mask__adam_step(mask__adam *adam, double rate, size_t size, const real *gradients, real *first, real *second,
                       real *parameters)
{
    double norm = norm_of(size, gradients);
    if (!isfinite(norm)) return norm;
    double t = (double)++adam->step;
    real clip = adam->clip > 0 && norm > adam->clip ? (real)(adam->clip / (norm + 1e-6)) : 1;
    real b1 = (real)adam->beta1, b2 = (real)adam->beta2, keep1 = (real)(1 - adam->beta1),
         keep2 = (real)(1 - adam->beta2);
    real step = (real)(rate / (1 - pow(adam->beta1, t))), correct = (real)(1 / sqrt(1 - pow(adam->beta2, t)));
    real epsilon = (real)adam->epsilon;
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < size; i++) {
        real g = clip * gradients[i];
        first[i] = b1 * first[i] + keep1 * g;
        second[i] = b2 * second[i] + keep2 * g * g;
        parameters[i] -= step * first[i] / (mask__sqrt(second[i]) * correct + epsilon);
    }
    return norm;
}
