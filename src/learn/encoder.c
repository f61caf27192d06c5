#include "encoder.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>

void mask__encoder_directions(const float *x, float power, const float *mean, float *y, size_t rows, size_t dim)
{
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        float *to = y + row * dim, squares = 0;
        mask__raise(x + row * dim, power, to, dim);
#pragma omp simd reduction(+ : squares)
        for (size_t d = 0; d < dim; d++) {
            to[d] -= mean[d];
            squares += to[d] * to[d];
        }
        float scale = 1 / (sqrtf(squares) + 1e-8f);
        for (size_t d = 0; d < dim; d++) to[d] *= scale;
    }
}

const float *mask__encoder_apply(const mask__encoder *e, const float *features, size_t rows, float *scratch, float *mu)
{
    if (e->kind == MASK_ENCODER_NONE) return features;
    size_t dim = e->in;
    mask__encoder_directions(features, e->power, e->mean, scratch, rows, dim);
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++)
        for (size_t d = 0; d < dim; d++) scratch[row * dim + d] -= e->direction_mean[d];
    mask__gemm(false, false, rows, e->out, dim, 1, scratch, dim, e->projection, e->out, 0, mu, e->out);
    return mu;
}
