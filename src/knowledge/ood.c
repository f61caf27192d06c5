#include "ood.h"
#include "base/memory.h"
#include "math/eigen.h"
#include "math/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEARNESS_WORDS = 5, BLOCK_QUERIES = 256 };

size_t mask__ood_nearest(const mask__space *space, const float *query, size_t m, mask__ranked *out, mask_error *err)
{
    float *cosines = malloc((space->count + 1) * sizeof *cosines);
    size_t found = 0;
    if (!cosines) {
        mask__no_memory(err, "out-of-knowledge words");
        return 0;
    }
    for (size_t k = 0; k < space->count; k++) cosines[k] = mask__dot(space->vectors + k * space->n, query, space->n);
    found = mask__top_k(cosines, space->count, m, out);
    free(cosines);
    return found;
}

void mask__ood_softmax(mask__ranked *nearest, size_t m, float temperature)
{
    double sum = 0;
    for (size_t q = m; q-- > 0;) { /* backwards: nearest[0] is the largest and is needed until the end */
        nearest[q].value = expf((nearest[q].value - nearest[0].value) / temperature);
        sum += nearest[q].value;
    }
    for (size_t q = 0; q < m; q++) nearest[q].value = (float)(nearest[q].value / sum);
}

static void weighted_mean(const mask__space *space, const mask__ranked *nearest, size_t m, float *out)
{
    memset(out, 0, space->z * sizeof *out);
    for (size_t q = 0; q < m; q++)
        mask__axpy(nearest[q].value, space->prototypes + nearest[q].index * space->z, out, space->z);
}

/* One query: cosines (count of the space) to its prototype. nearest is scratch for max(m, NEARNESS_WORDS). */
static void one_prototype(const mask__space *space, const float *cosines, size_t available, size_t m,
                          float temperature, mask__ranked *nearest, float *out, float *nearness)
{
    size_t keep = m > NEARNESS_WORDS ? m : NEARNESS_WORDS;
    size_t found = mask__top_k(cosines, space->count, keep < available ? keep : available, nearest);
    if (nearness) {
        size_t near = found < NEARNESS_WORDS ? found : NEARNESS_WORDS;
        float sum = 0;
        for (size_t q = 0; q < near; q++) sum += nearest[q].value;
        *nearness = near ? sum / (float)near : 0;
    }
    if (found > m) found = m;
    if (found) mask__ood_softmax(nearest, found, temperature);
    weighted_mean(space, nearest, found, out);
}

mask_status mask__ood_prototypes(const mask__space *space, const float *queries, size_t count, bool skip_self, size_t m,
                                 float temperature, float *out, float *nearness, mask_error *err)
{
    size_t keep = m > NEARNESS_WORDS ? m : NEARNESS_WORDS, known = space->count;
    mask__arena work = {0};
    float *cosines = mask__arena_alloc(&work, BLOCK_QUERIES * (known + 1), sizeof *cosines);
    mask__ranked *nearest = mask__arena_alloc(&work, BLOCK_QUERIES * keep, sizeof *nearest);
    mask_status status = cosines && nearest ? MASK_OK : mask__no_memory(err, "out-of-knowledge words");
    for (size_t first = 0; status == MASK_OK && known && first < count; first += BLOCK_QUERIES) {
        size_t block = count - first < BLOCK_QUERIES ? count - first : BLOCK_QUERIES;
        mask__gemm(false, true, block, known, space->n, 1, queries + first * space->n, space->n, space->vectors,
                   space->n, 0, cosines, known);
#pragma omp parallel for schedule(dynamic, 4)
        for (size_t i = 0; i < block; i++) {
            if (skip_self) cosines[i * known + first + i] = -INFINITY;
            one_prototype(space, cosines + i * known, known - skip_self, m, temperature, nearest + i * keep,
                          out + (first + i) * space->z, nearness ? nearness + first + i : NULL);
        }
    }
    mask__arena_free(&work);
    return status;
}

static void column_mean(const float *x, size_t rows, size_t dim, double *mean)
{
    memset(mean, 0, dim * sizeof *mean);
    for (size_t i = 0; i < rows; i++)
        for (size_t d = 0; d < dim; d++) mean[d] += x[i * dim + d];
    for (size_t d = 0; d < dim; d++) mean[d] /= (double)rows;
}

/* C (z x n) = sum_k (v_k - vbar)(w_k - wbar)^T; returns sum_k |w_k - wbar|^2. */
static double cross_covariance(const mask__space *space, const mask__procrustes *fit, double *v, double *w, double *c)
{
    size_t n = space->n, z = space->z, count = space->count;
    double squares = 0;
    for (size_t k = 0; k < count; k++) {
        for (size_t d = 0; d < z; d++) v[k * z + d] = space->prototypes[k * z + d] - fit->prototypes_mean[d];
        for (size_t d = 0; d < n; d++) {
            w[k * n + d] = space->vectors[k * n + d] - fit->vectors_mean[d];
            squares += w[k * n + d] * w[k * n + d];
        }
    }
    mask__gemm_double(true, false, z, n, count, 1, v, z, w, n, 0, c, n);
    return squares;
}

mask_status mask__procrustes_fit(mask__procrustes *fit, const mask__space *space, mask_error *err)
{
    size_t n = space->n, z = space->z, r = n < z ? n : z, count = space->count;
    mask__arena work = {0};
    *fit = (mask__procrustes){.n = n, .z = z};
    double *v = mask__arena_alloc(&work, count * z, sizeof *v), *w = mask__arena_alloc(&work, count * n, sizeof *w);
    double *c = mask__arena_alloc(&work, z * n, sizeof *c), *u = mask__arena_alloc(&work, z * r, sizeof *u);
    double *s = mask__arena_alloc(&work, r, sizeof *s), *vt = mask__arena_alloc(&work, r * n, sizeof *vt);
    fit->matrix = malloc(z * n * sizeof *fit->matrix);
    fit->vectors_mean = malloc(n * sizeof(double));
    fit->prototypes_mean = malloc(z * sizeof(double));
    mask_status status = MASK_OK;
    if (!v || !w || !c || !u || !s || !vt || !fit->matrix || !fit->vectors_mean || !fit->prototypes_mean)
        status = mask__no_memory(err, "Procrustes");
    if (status == MASK_OK) {
        column_mean(space->vectors, count, n, fit->vectors_mean);
        column_mean(space->prototypes, count, z, fit->prototypes_mean);
        double squares = cross_covariance(space, fit, v, w, c), sum = 0;
        status = mask__svd_thin(c, z, n, u, s, vt, err);
        for (size_t i = 0; status == MASK_OK && i < r; i++) sum += s[i];
        /* A = U V^T, beta = sum of the singular values / sum |w - wbar|^2 */
        if (status == MASK_OK)
            mask__gemm_double(false, false, z, n, r, squares > 0 ? sum / squares : 0, u, r, vt, n, 0, fit->matrix, n);
    }
    mask__arena_free(&work);
    if (status != MASK_OK) mask__procrustes_free(fit);
    return status;
}

void mask__procrustes_apply(const mask__procrustes *fit, const float *w, float *v)
{
    for (size_t i = 0; i < fit->z; i++) {
        double sum = fit->prototypes_mean[i];
        for (size_t d = 0; d < fit->n; d++) sum += fit->matrix[i * fit->n + d] * (w[d] - fit->vectors_mean[d]);
        v[i] = (float)sum;
    }
}

void mask__procrustes_free(mask__procrustes *fit)
{
    free(fit->matrix);
    free(fit->vectors_mean);
    free(fit->prototypes_mean);
    *fit = (mask__procrustes){0};
}
