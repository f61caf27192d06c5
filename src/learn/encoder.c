#include "encoder.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>

const float *mask__encoder_apply(const mask__encoder *e, const float *features, size_t rows, float *scratch, float *mu)
{
    if (e->kind == MASK_ENCODER_NONE) return features;
    size_t dim = e->in;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const float *r = features + row * dim;
        float *y = scratch + row * dim;
        float squares = 0;
#pragma omp simd reduction(+ : squares)
        for (size_t d = 0; d < dim; d++) {
            y[d] = r[d] - e->mean[d];
            squares += y[d] * y[d];
        }
        float scale = 1 / (sqrtf(squares) + 1e-8f);
        for (size_t d = 0; d < dim; d++) y[d] = y[d] * scale - e->direction_mean[d];
    }
    mask__gemm(false, false, rows, e->out, dim, 1, scratch, dim, e->projection, e->out, 0, mu, e->out);
    return mu;
}
