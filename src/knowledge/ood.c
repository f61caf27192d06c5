#include "knowledge/ood.h"
#include "math/eigen.h"
#include "math/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEARNESS_WORDS = 5, BLOCK_QUERIES = 256 };

void mask__neighbours_free(mask__neighbours *neighbours)
{
    free(neighbours->items);
    free(neighbours->nearness);
    *neighbours = (mask__neighbours){0};
}

/* Values become softmax(values / temperature); nearest[0] is the largest. */
static void softmax(mask__ranked *nearest, size_t m, float temperature)
{
    double sum = 0;
    for (size_t q = m; q-- > 0;) { /* backwards: nearest[0] is needed until the end */
        nearest[q].value = expf((nearest[q].value - nearest[0].value) / temperature);
        sum += nearest[q].value;
    }
    for (size_t q = 0; q < m; q++) nearest[q].value = (float)(nearest[q].value / sum);
}

/* available: how many of the known words count, the one a query may not see being the last. */
static float mean_of_nearest(const float *cosines, size_t known, size_t available)
{
    mask__ranked nearest[NEARNESS_WORDS];
    size_t found = mask__top_k(cosines, known, available < NEARNESS_WORDS ? available : NEARNESS_WORDS, nearest);
    float sum = 0;
    for (size_t q = 0; q < found; q++) sum += nearest[q].value;
    return found ? sum / (float)found : 0;
}

/* Queries [first, first + block): cosines (and company cosines) are block x known scratch. */
static void find_block(mask__neighbours *out, const mask__word_space *known, const mask__word_space *queries,
                       const mask__neighbour_options *o, size_t first, size_t block, float *cosines, float *company)
{
    size_t k = known->count;
    mask__gemm(false, true, block, k, known->n, 1, queries->vectors + first * known->n, known->n, known->vectors,
               known->n, 0, cosines, k);
    if (company)
        mask__gemm(false, true, block, k, known->s, 1, queries->company + first * known->s, known->s, known->company,
                   known->s, 0, company, k);
#pragma omp parallel for schedule(dynamic, 4)
    for (size_t i = 0; i < block; i++) {
        float *row = cosines + i * k, share = company ? o->trust[first + i] : 0;
        mask__ranked *items = out->items + (first + i) * out->m;
        if (o->skip_self) row[first + i] = -INFINITY;
        out->nearness[first + i] = mean_of_nearest(row, k, k - o->skip_self);
        for (size_t q = 0; share > 0 && q < k; q++) row[q] = (1 - share) * row[q] + share * company[i * k + q];
        mask__top_k(row, k, out->m, items);
        softmax(items, out->m, o->temperature);
    }
}

mask_status mask__neighbours_find(mask__neighbours *out, const mask__word_space *known, const mask__word_space *queries,
                                  const mask__neighbour_options *o, mask_error *err)
{
    size_t available = known->count - (o->skip_self && known->count), count = queries->count;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    *out = (mask__neighbours){.count = count, .m = o->m < available ? o->m : available};
    bool both = o->trust && known->company && queries->company;
    size_t rows =
        count < BLOCK_QUERIES ? count : BLOCK_QUERIES; /* one word of a search should not cost a block's memory */
    float *cosines = mask__arena_alloc(&work, rows * (known->count + 1), sizeof *cosines);
    float *company = both ? mask__arena_alloc(&work, rows * (known->count + 1), sizeof *company) : NULL;
    out->items = calloc(count * out->m + 1, sizeof *out->items);
    out->nearness = calloc(count + 1, sizeof *out->nearness);
    if (work.lost || !out->items || !out->nearness) {
        mask__neighbours_free(out);
        return mask__no_memory(err, "neighbours of words");
    }
    for (size_t first = 0; out->m && first < count; first += BLOCK_QUERIES)
        find_block(out, known, queries, o, first, count - first < BLOCK_QUERIES ? count - first : BLOCK_QUERIES,
                   cosines, company);
    return MASK_OK;
}

void mask__neighbours_mean(const mask__neighbours *neighbours, const float *table, size_t z, float *out)
{
    size_t m = neighbours->m;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < neighbours->count; i++) {
        const mask__ranked *items = neighbours->items + i * m;
        memset(out + i * z, 0, z * sizeof *out);
        for (size_t q = 0; q < m; q++) mask__axpy(items[q].value, table + items[q].index * z, out + i * z, z);
    }
}

mask_status mask__neighbours_shrink(const mask__neighbours *neighbours, const uint64_t *counts, float pseudo_counts,
                                    float *table, size_t z, mask_error *err)
{
    size_t words = neighbours->count;
    if (pseudo_counts <= 0 || neighbours->m == 0) return MASK_OK;
    MASK__FREED float *others = malloc(words * z * sizeof *others);
    if (!others) return mask__no_memory(err, "prototypes");
    mask__neighbours_mean(neighbours, table, z, others);
    for (size_t k = 0; k < words; k++) {
        float count = (float)counts[k];
        for (size_t d = k * z; d < (k + 1) * z; d++)
            table[d] = (count * table[d] + pseudo_counts * others[d]) / (count + pseudo_counts);
    }
    return MASK_OK;
}

static void column_mean(const float *x, size_t rows, size_t dim, double *mean)
{
    memset(mean, 0, dim * sizeof *mean);
    for (size_t i = 0; i < rows; i++)
        for (size_t d = 0; d < dim; d++) mean[d] += x[i * dim + d];
    for (size_t d = 0; d < dim; d++) mean[d] /= (double)rows;
}

/* C (z x n) = sum_k (v_k - vbar)(w_k - wbar)^T; returns sum_k |w_k - wbar|^2. */
static double cross_covariance(const mask__procrustes *fit, const float *vectors, const float *prototypes, size_t count,
                               double *v, double *w, double *c)
{
    size_t n = fit->n, z = fit->z;
    double squares = 0;
    for (size_t k = 0; k < count; k++) {
        for (size_t d = 0; d < z; d++) v[k * z + d] = prototypes[k * z + d] - fit->prototypes_mean[d];
        for (size_t d = 0; d < n; d++) {
            w[k * n + d] = vectors[k * n + d] - fit->vectors_mean[d];
            squares += w[k * n + d] * w[k * n + d];
        }
    }
    mask__gemm_double(true, false, z, n, count, 1, v, z, w, n, 0, c, n);
    return squares;
}

mask_status mask__procrustes_fit(mask__procrustes *fit, const float *vectors, size_t n, const float *prototypes,
                                 size_t z, size_t count, mask__arena *arena, mask_error *err)
{
    size_t r = n < z ? n : z;
    *fit = (mask__procrustes){.n = n, .z = z};
    double *v = mask__arena_alloc(arena, count * z, sizeof *v), *w = mask__arena_alloc(arena, count * n, sizeof *w);
    double *c = mask__arena_alloc(arena, z * n, sizeof *c), *u = mask__arena_alloc(arena, z * r, sizeof *u);
    double *s = mask__arena_alloc(arena, r, sizeof *s), *vt = mask__arena_alloc(arena, r * n, sizeof *vt), sum = 0;
    fit->matrix = mask__arena_alloc(arena, z * n, sizeof *fit->matrix);
    fit->vectors_mean = mask__arena_alloc(arena, n, sizeof(double));
    fit->prototypes_mean = mask__arena_alloc(arena, z, sizeof(double));
    if (arena->lost) return mask__no_memory(err, "Procrustes");
    column_mean(vectors, count, n, fit->vectors_mean);
    column_mean(prototypes, count, z, fit->prototypes_mean);
    double squares = cross_covariance(fit, vectors, prototypes, count, v, w, c);
    MASK__TRY(mask__svd_thin(c, z, n, u, s, vt, err));
    for (size_t i = 0; i < r; i++) sum += s[i];
    /* A = U V^T, beta = sum of the singular values / sum |w - wbar|^2 */
    mask__gemm_double(false, false, z, n, r, squares > 0 ? sum / squares : 0, u, r, vt, n, 0, fit->matrix, n);
    return MASK_OK;
}

void mask__procrustes_apply(const mask__procrustes *fit, const float *w, float *v)
{
    for (size_t i = 0; i < fit->z; i++) {
        double sum = fit->prototypes_mean[i];
        for (size_t d = 0; d < fit->n; d++) sum += fit->matrix[i * fit->n + d] * (w[d] - fit->vectors_mean[d]);
        v[i] = (float)sum;
    }
}
