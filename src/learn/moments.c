#include "learn/moments.h"
#include "annotations/labels.h"
#include "base/memory.h"
#include "math/gemm.h"

#include <string.h>

enum { BLOCK_ROWS = 4096 };

/* sum += column sums of x (rows x dim) */
static void add_columns(double *sum, const float *x, size_t rows, size_t dim)
{
#pragma omp parallel for schedule(static)
    for (size_t d0 = 0; d0 < dim; d0 += 64) {
        size_t d1 = d0 + 64 < dim ? d0 + 64 : dim;
        for (size_t row = 0; row < rows; row++)
            for (size_t d = d0; d < d1; d++) sum[d] += x[row * dim + d];
    }
}

mask_status mask__feature_moments(const mask_labels *labels, mask__feature_change *change, void *context,
                                  const char *what, float *mean, double *covariance, const mask_run *run,
                                  mask_error *err)
{
    size_t regions = mask_labels_regions(labels), dim = mask_labels_dim(labels);
    mask__arena work = {0};
    float *buffer = mask__arena_alloc(&work, BLOCK_ROWS * dim, sizeof *buffer);
    float *changed = mask__arena_alloc(&work, BLOCK_ROWS * dim, sizeof *changed);
    double *sum = mask__arena_alloc(&work, dim, sizeof *sum);
    float *products = covariance ? mask__arena_alloc(&work, dim * dim, sizeof *products) : NULL; /* of one block */
    mask_status status = buffer && changed && sum && (products || !covariance) ? MASK_OK : mask__no_memory(err, what);
    if (covariance) memset(covariance, 0, dim * dim * sizeof *covariance);
    for (size_t first = mask__team_rank(run) * BLOCK_ROWS; status == MASK_OK && first < regions;
         first += mask__team_size(run) * BLOCK_ROWS) {
        size_t rows = regions - first < BLOCK_ROWS ? regions - first : BLOCK_ROWS;
        const float *x;
        status = mask__progress(run, what, "regions", first, regions, err);
        if (status == MASK_OK) status = mask__labels_block(labels, first, rows, buffer, &x, err);
        if (status != MASK_OK) break;
        if (change) change(context, x, rows, dim, changed);
        const float *y = change ? changed : x;
        add_columns(sum, y, rows, dim);
        if (!covariance) continue;
        mask__gemm(true, false, dim, dim, rows, 1, y, dim, y, dim, 0, products, dim);
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < dim * dim; i++) covariance[i] += products[i];
    }
    if (status == MASK_OK) status = mask__team_sum(run, sum, NULL, dim, err);
    if (status == MASK_OK && covariance) status = mask__team_sum(run, covariance, NULL, dim * dim, err);
    for (size_t d = 0; status == MASK_OK && d < dim; d++) mean[d] = (float)(sum[d] / (double)regions);
    for (size_t i = 0; status == MASK_OK && covariance && i < dim; i++)
        for (size_t j = 0; j < dim; j++)
            covariance[i * dim + j] =
                covariance[i * dim + j] / (double)regions - sum[i] / (double)regions * (sum[j] / (double)regions);
    mask__arena_free(&work);
    return status;
}
