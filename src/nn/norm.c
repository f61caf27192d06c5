#include "nn/norm.h"

#include "nn/linear.h"

mask__layernorm mask__norm_make(mask__parameters *table, const char *net, const char *name, size_t d)
{
    mask__layernorm layer = {.d = d};
    layer.weight = mask__parameters_add(table, 1, d, 1, 0, 1, "%s.%s.weight", net, name);
    layer.bias = mask__parameters_add(table, 1, d, 1, 0, 0, "%s.%s.bias", net, name);
    mask__parameters_align(table);
    return layer;
}

/* y = x^ g + b,   x^ = (x - mean) s,   s = 1 / sqrt(var + eps);   x, y (n, d), g, b (d) */
void mask__norm_forward(const mask__layernorm *l, const real *parameters, size_t n, const real *x, real *stats, real *y)
{
    const real *g = parameters + l->weight, *b = parameters + l->bias;
    size_t d = l->d;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        const real *in = x + i * d;
        real *out = y + i * d, mean = 0, variance = 0;
#pragma omp simd reduction(+ : mean)
        for (size_t j = 0; j < d; j++) mean += in[j];
        mean /= (real)d;
#pragma omp simd reduction(+ : variance)
        for (size_t j = 0; j < d; j++) variance += (in[j] - mean) * (in[j] - mean);
        real s = 1 / mask__sqrt(variance / (real)d + (real)1e-5);
        for (size_t j = 0; j < d; j++) out[j] = (in[j] - mean) * s * g[j] + b[j];
        stats[2 * i] = mean;
        stats[2 * i + 1] = s;
    }
}

/* dg = sum_n dy x^;   db = sum_n dy;   (d) each */
static void norm_gradients(size_t n, size_t d, const real *x, const real *stats, const real *dy, real *dg, real *db)
{
#pragma omp parallel for schedule(static)
    for (size_t from = 0; from < d; from += MASK__COLUMN_CHUNK) {
        size_t to = d - from < MASK__COLUMN_CHUNK ? d : from + MASK__COLUMN_CHUNK;
        for (size_t j = from; j < to; j++) dg[j] = db[j] = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = from; j < to; j++) {
                dg[j] += dy[i * d + j] * (x[i * d + j] - stats[2 * i]) * stats[2 * i + 1];
                db[j] += dy[i * d + j];
            }
    }
}

/* With e = dy g:   dx = s (e - mean(e) - x^ mean(e x^)), means over a row */
void mask__norm_backward(const mask__layernorm *l, const real *parameters, size_t n, const real *x, const real *stats,
                         real *dy, real *gradients)
{
    const real *g = parameters + l->weight;
    size_t d = l->d;
    norm_gradients(n, d, x, stats, dy, gradients + l->weight, gradients + l->bias);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        const real *in = x + i * d, mean = stats[2 * i], s = stats[2 * i + 1];
        real *row = dy + i * d, e = 0, ex = 0;
#pragma omp simd reduction(+ : e, ex)
        for (size_t j = 0; j < d; j++) {
            e += row[j] * g[j];
            ex += row[j] * g[j] * (in[j] - mean) * s;
        }
        e /= (real)d;
        ex /= (real)d;
        for (size_t j = 0; j < d; j++) row[j] = s * (row[j] * g[j] - e - (in[j] - mean) * s * ex);
    }
}
