#include "adapt/cycle.h"

mask_status mask__cycle_make(mask__cycle *c, size_t words, size_t regions, size_t z, mask_error *err)
{
    size_t most = words > regions ? words : regions, rows, pairs, squares;
    *c = (mask__cycle){.z = z};
    bool fits = mask__multiply(most, z, &rows) && mask__multiply(words, regions, &pairs) &&
                mask__multiply(most, most, &squares);
    real **row_arrays[] = {&c->a, &c->b, &c->da, &c->db, &c->found, &c->d_found};
    for (size_t i = 0; fits && i < sizeof row_arrays / sizeof *row_arrays; i++)
        fits = (*row_arrays[i] = mask__arena_alloc(&c->arena, rows, sizeof(real))) != NULL;
    fits = fits && (c->attention = mask__arena_alloc(&c->arena, pairs, sizeof(real))) != NULL;
    fits = fits && (c->d_attention = mask__arena_alloc(&c->arena, pairs, sizeof(real))) != NULL;
    fits = fits && (c->a_norms = mask__arena_alloc(&c->arena, most, sizeof(real))) != NULL;
    fits = fits && (c->b_norms = mask__arena_alloc(&c->arena, most, sizeof(real))) != NULL;
    fits = fits && (c->losses = mask__arena_alloc(&c->arena, most, sizeof(double))) != NULL;
    fits = fits && (c->logits = mask__arena_alloc(&c->arena, squares, sizeof(real))) != NULL;
    if (fits) return MASK_OK;
    mask__cycle_free(c);
    return mask__no_memory(err, "the batches of adaptation: make them smaller");
}

void mask__cycle_free(mask__cycle *c)
{
    mask__arena_free(&c->arena);
    *c = (mask__cycle){0};
}

/* x = softmax(x / T) row by row; returns the sum of -log x[i][i] where targets is set, and then takes 1 from each
 * x[i][i]: the derivative of that sum in the logits x T. */
static double softmax_rows(real *x, size_t rows, size_t columns, real temperature, bool targets, double *losses)
{
    double loss = 0;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < rows; i++) {
        real *row = x + i * columns, largest = row[0];
        double sum = 0;
        for (size_t j = 1; j < columns; j++) largest = row[j] > largest ? row[j] : largest;
        if (targets) losses[i] = (double)(largest - row[i]) / (double)temperature;
        for (size_t j = 0; j < columns; j++) {
            row[j] = mask__exp((row[j] - largest) / temperature);
            sum += (double)row[j];
        }
        for (size_t j = 0; j < columns; j++) row[j] /= (real)sum;
        if (!targets) continue;
        losses[i] += log(sum);
        row[i] -= 1;
    }
    for (size_t i = 0; targets && i < rows; i++) loss += losses[i]; /* in order: the same bits each time */
    return loss;
}

/* dA -> dS of A = softmax(S / T): A (dA - sum_j A dA) / T, row by row, in place. */
static void softmax_backward(const real *a, real *da, size_t rows, size_t columns, real temperature)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < rows; i++) {
        const real *p = a + i * columns;
        real *d = da + i * columns, mean = mask__real_dot(p, d, columns);
        for (size_t j = 0; j < columns; j++) d[j] = p[j] * (d[j] - mean) / temperature;
    }
}

/* One side: n rows x find themselves by way of m rows y. Adds to dx and dy where they are given. */
static double side(mask__cycle *c, const real *x, size_t n, const real *y, size_t m, real temperature, real *dx,
                   real *dy)
{
    size_t z = c->z;
    real *a = c->attention, *da = c->d_attention, *g = c->logits, inverse = 1 / temperature;
    mask__real_gemm(false, true, n, m, z, 1, x, z, y, z, 0, a, m);
    softmax_rows(a, n, m, temperature, false, c->losses);
    mask__real_gemm(false, false, n, z, m, 1, a, m, y, z, 0, c->found, z);
    mask__real_gemm(false, true, n, n, z, 1, x, z, c->found, z, 0, g, n);
    double loss = softmax_rows(g, n, n, temperature, true, c->losses);
    if (!dx) return loss;
    mask__real_gemm(false, false, n, z, n, inverse, g, n, c->found, z, 1, dx, z); /* dx += G x2 / T */
    mask__real_gemm(true, false, n, z, n, inverse, g, n, x, z, 0, c->d_found, z); /* dx2 = G' x / T */
    mask__real_gemm(true, false, m, z, n, 1, a, m, c->d_found, z, 1, dy, z);      /* dy += A' dx2 */
    mask__real_gemm(false, true, n, m, z, 1, c->d_found, z, y, z, 0, da, m);      /* dA = dx2 y' */
    softmax_backward(a, da, n, m, temperature);
    mask__real_gemm(false, false, n, z, m, 1, da, m, y, z, 1, dx, z); /* dx += dS y */
    mask__real_gemm(true, false, m, z, n, 1, da, m, x, z, 1, dy, z);  /* dy += dS' x */
    return loss;
}

/* x /= |x| row by row; a row of zeros stays, with norm 1. */
static void normalise_rows(real *x, size_t rows, size_t z, real *norms)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < rows; i++) {
        real norm = mask__sqrt(mask__real_dot(x + i * z, x + i * z, z));
        norms[i] = norm > 0 ? norm : 1;
        for (size_t d = 0; d < z; d++) x[i * z + d] /= norms[i];
    }
}

/* d -> (d - (d . x) x) / |x| before it was brought to unit length, row by row. */
static void normalise_backward(const real *x, const real *norms, real *d, size_t rows, size_t z)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < rows; i++) {
        real along = mask__real_dot(x + i * z, d + i * z, z);
        for (size_t e = 0; e < z; e++) d[i * z + e] = (d[i * z + e] - along * x[i * z + e]) / norms[i];
    }
}

double mask__cycle_loss(mask__cycle *c, const real *u, size_t words, const real *mu, size_t regions, const real *w,
                        real temperature, real *gradient)
{
    size_t z = c->z;
    real *da = gradient ? c->da : NULL, *db = gradient ? c->db : NULL;
    mask__real_gemm(false, false, words, z, z, 1, u, z, w, z, 0, c->a, z);
    mask__real_gemm(false, false, regions, z, z, 1, mu, z, w, z, 0, c->b, z);
    if (c->unit) {
        normalise_rows(c->a, words, z, c->a_norms);
        normalise_rows(c->b, regions, z, c->b_norms);
    }
    if (gradient) {
        memset(da, 0, words * z * sizeof *da);
        memset(db, 0, regions * z * sizeof *db);
    }
    double loss = side(c, c->a, words, c->b, regions, temperature, da, db);
    loss += side(c, c->b, regions, c->a, words, temperature, db, da);
    if (!gradient) return loss;
    if (c->unit) {
        normalise_backward(c->a, c->a_norms, da, words, z);
        normalise_backward(c->b, c->b_norms, db, regions, z);
    }
    mask__real_gemm(true, false, z, z, words, 1, u, z, da, z, 0, gradient, z); /* dW = u' da + mu' db */
    mask__real_gemm(true, false, z, z, regions, 1, mu, z, db, z, 1, gradient, z);
    return loss;
}
