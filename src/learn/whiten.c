/* `whiten`, the closed-form representation. Post-ReLU features all point one way and few large values rule them, so
 * their cosines hardly differ; after a power below 1, centring, L2, centring again and a PCA whose eigenvalues are
 * shrunk towards their mean, cosines mean something. Streams the features twice; refuses to look at labels. */
#include "learn/representation.h"
#include "annotations/labels.h"
#include "math/eigen.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 4096 };

typedef struct fit {
    const mask_labels *labels;
    size_t rows, dim;
    float power;
    float *buffer, *directions; /* BLOCK_ROWS x M */
    double *sum;                /* M */
    float *partial;             /* M x M of one block */
    double *moment;             /* M x M */
} fit;

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

static mask_status feature_mean(fit *f, float *mean, const mask_run *run, mask_error *err)
{
    memset(f->sum, 0, f->dim * sizeof *f->sum);
    for (size_t first = 0; first < f->rows; first += BLOCK_ROWS) {
        size_t rows = f->rows - first < BLOCK_ROWS ? f->rows - first : BLOCK_ROWS;
        const float *x;
        MASK__TRY(mask__progress(run, "whitening, mean", "regions", first, f->rows, err));
        MASK__TRY(mask__labels_block(f->labels, first, rows, f->buffer, &x, err));
        mask__raise(x, f->power, f->directions, rows * f->dim);
        add_columns(f->sum, f->directions, rows, f->dim);
    }
    for (size_t d = 0; d < f->dim; d++) mean[d] = (float)(f->sum[d] / (double)f->rows);
    return MASK_OK;
}

/* The mean of the directions, and in f->moment their second moment minus its outer product: the covariance. */
static mask_status direction_covariance(fit *f, const float *mean, float *direction_mean, const mask_run *run,
                                        mask_error *err)
{
    size_t dim = f->dim;
    memset(f->sum, 0, dim * sizeof *f->sum);
    for (size_t first = 0; first < f->rows; first += BLOCK_ROWS) {
        size_t rows = f->rows - first < BLOCK_ROWS ? f->rows - first : BLOCK_ROWS;
        const float *x;
        MASK__TRY(mask__progress(run, "whitening, covariance", "regions", first, f->rows, err));
        MASK__TRY(mask__labels_block(f->labels, first, rows, f->buffer, &x, err));
        mask__whiten_directions(x, f->power, mean, f->directions, rows, dim);
        add_columns(f->sum, f->directions, rows, dim);
        mask__gemm(true, false, dim, dim, rows, 1, f->directions, dim, f->directions, dim, 0, f->partial, dim);
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < dim * dim; i++) f->moment[i] += f->partial[i];
    }
    for (size_t d = 0; d < dim; d++) direction_mean[d] = (float)(f->sum[d] / (double)f->rows);
    for (size_t i = 0; i < dim; i++)
        for (size_t j = 0; j < dim; j++)
            f->moment[i * dim + j] =
                f->moment[i * dim + j] / (double)f->rows - f->sum[i] / (double)f->rows * (f->sum[j] / (double)f->rows);
    return MASK_OK;
}

/* projection[:, j] = eigenvector j / sqrt(eigenvalue j + shrink x mean eigenvalue) */
static mask_status project(fit *f, size_t keep, float shrink, float *projection, mask_error *err)
{
    size_t dim = f->dim;
    double trace = 0, *values = malloc(keep * sizeof *values), *vectors = malloc(dim * keep * sizeof *vectors);
    mask_status status = MASK_OK;
    if (!values || !vectors) status = mask__no_memory(err, "whitening");
    for (size_t d = 0; d < dim; d++) trace += f->moment[d * dim + d];
    if (status == MASK_OK) status = mask__eigen_symmetric(f->moment, dim, keep, values, vectors, err);
    if (status == MASK_OK && !(trace > 0))
        status = mask__fail(err, MASK_ENUMERIC, MASK_NO_OFFSET,
                            "%s: all region features are equal: nothing to learn from", mask__labels_path(f->labels));
    for (size_t j = 0; status == MASK_OK && j < keep; j++) {
        double value = (values[j] > 0 ? values[j] : 0) + shrink * trace / (double)dim;
        double scale = value > 0 ? 1 / sqrt(value) : 0; /* without shrinking, empty directions carry nothing */
        for (size_t i = 0; i < dim; i++) projection[i * keep + j] = (float)(vectors[i * keep + j] * scale);
    }
    free(values);
    free(vectors);
    return status;
}

mask_status mask__whiten_fit(mask__whitening *whitening, const mask_labels *labels, float power, size_t dim,
                             float shrink, mask__arena *arena, const mask_run *run, mask_error *err)
{
    size_t in = mask_labels_dim(labels), out = dim < in ? dim : in;
    mask__arena work = {0};
    fit f = {.labels = labels, .rows = mask_labels_regions(labels), .dim = in, .power = power};
    f.buffer = mask__arena_alloc(&work, BLOCK_ROWS * in, sizeof(float));
    f.directions = mask__arena_alloc(&work, BLOCK_ROWS * in, sizeof(float));
    f.sum = mask__arena_alloc(&work, in, sizeof(double));
    f.partial = mask__arena_alloc(&work, in * in, sizeof(float));
    f.moment = mask__arena_alloc(&work, in * in, sizeof(double));
    float *mean = mask__arena_alloc(arena, in, sizeof(float));
    float *direction_mean = mask__arena_alloc(arena, in, sizeof(float));
    float *projection = mask__arena_alloc(arena, in * out, sizeof(float));
    mask_status status = MASK_OK;
    if (!f.buffer || !f.directions || !f.sum || !f.partial || !f.moment || !mean || !direction_mean || !projection)
        status = mask__no_memory(err, "whitening");
    if (status == MASK_OK) status = feature_mean(&f, mean, run, err);
    if (status == MASK_OK) status = direction_covariance(&f, mean, direction_mean, run, err);
    if (status == MASK_OK) status = project(&f, out, shrink, projection, err);
    mask__arena_free(&work);
    *whitening = (mask__whitening){
        .power = power, .in = in, .out = out, .mean = mean, .direction_mean = direction_mean, .projection = projection};
    return status;
}
