#include "nn/linear.h"

mask__linear mask__linear_make(mask__parameters *table, const char *net, const char *name, size_t in, size_t out,
                               bool relu)
{
    mask__linear layer = {.in = in, .out = out, .relu = relu};
    layer.weight = mask__parameters_add(table, 2, out, in, in, 0, "%s.%s.weight", net, name);
    layer.bias = mask__parameters_add(table, 1, out, 1, in, 0, "%s.%s.bias", net, name);
    mask__parameters_align(table);
    return layer;
}

/* y += b, and max(., 0) with relu, in one pass over y (n, d). */
static void add_bias(size_t n, size_t d, bool relu, const real *bias, real *y)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        real *row = y + i * d;
        for (size_t j = 0; j < d; j++) {
            real v = row[j] + bias[j];
            row[j] = relu && v < 0 ? 0 : v; /* NaN stays NaN */
        }
    }
}

/* y = [relu](x W^T + b);   x (n, in), W (out, in), b (out), y (n, out) */
void mask__linear_forward(const mask__linear *l, const real *parameters, mask__product *product, size_t n,
                          const real *x, real *y)
{
    mask__product_run(product, false, true, n, l->out, l->in, x, l->in, parameters + l->weight, l->in, 0, y, l->out);
    add_bias(n, l->out, l->relu, parameters + l->bias, y);
}

/* dy <- dy * (y > 0) with relu;   db = sum_n dy;   dW = dy^T x;   dx = dy W */
void mask__linear_backward(const mask__linear *l, const real *parameters, mask__product *product, size_t n,
                           const real *x, const real *y, real *dy, real *dx, real *gradients)
{
    if (l->relu) {
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < n * l->out; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
    }
    mask__column_sums(n, l->out, dy, gradients + l->bias);
    mask__product_run(product, true, false, l->out, l->in, n, dy, l->out, x, l->in, 0, gradients + l->weight, l->in);
    if (dx)
        mask__product_run(product, false, false, n, l->in, l->out, dy, l->out, parameters + l->weight, l->in, 0, dx,
                          l->in);
}

void mask__column_sums(size_t n, size_t d, const real *x, real *out)
{
    /* By columns, not rows: each sum is then made by one thread in row order, whatever the number of threads. */
#pragma omp parallel for schedule(static)
    for (size_t from = 0; from < d; from += MASK__COLUMN_CHUNK) {
        size_t width = d - from < MASK__COLUMN_CHUNK ? d - from : MASK__COLUMN_CHUNK;
        memset(out + from, 0, width * sizeof *out);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < width; j++) out[from + j] += x[i * d + from + j];
    }
}
