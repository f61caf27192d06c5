/* `whiten`, the closed-form representation. Post-ReLU features all point one way and few large values rule them, so
 * their cosines hardly differ; after a power below 1, centring, L2, centring again and a PCA whose eigenvalues are
 * shrunk towards their mean, cosines mean something. Streams the features twice; refuses to look at labels. */
#include "learn/representation.h"
#include "annotations/labels.h"
#include "learn/moments.h"
#include "math/eigen.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A mask__feature_change to the powers, and to the directions after a mean is taken away. */
typedef struct change {
    float power;
    const float *mean;
} change;

static void raise(void *context, const float *x, size_t rows, size_t dim, float *y)
{
    mask__raise(x, ((const change *)context)->power, y, rows * dim);
}

static void direct(void *context, const float *x, size_t rows, size_t dim, float *y)
{
    const change *c = context;
    mask__whiten_directions(x, c->power, c->mean, y, rows, dim);
}

/* projection[:, j] = eigenvector j / sqrt(eigenvalue j + shrink x mean eigenvalue) */
static mask_status project(double *covariance, size_t dim, size_t keep, float shrink, const char *path,
                           float *projection, mask_error *err)
{
    double trace = 0, *values = malloc(keep * sizeof *values), *vectors = malloc(dim * keep * sizeof *vectors);
    mask_status status = MASK_OK;
    if (!values || !vectors) status = mask__no_memory(err, "whitening");
    for (size_t d = 0; d < dim; d++) trace += covariance[d * dim + d];
    if (status == MASK_OK) status = mask__eigen_symmetric(covariance, dim, keep, values, vectors, err);
    if (status == MASK_OK && !(trace > 0))
        status = mask__fail(err, MASK_ENUMERIC, "%s: all region features are equal: nothing to learn from", path);
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
    double *covariance = mask__arena_alloc(&work, in * in, sizeof *covariance);
    float *mean = mask__arena_alloc(arena, in, sizeof(float));
    float *direction_mean = mask__arena_alloc(arena, in, sizeof(float));
    float *projection = mask__arena_alloc(arena, in * out, sizeof(float));
    change c = {power, mean};
    mask_status status = MASK_OK;
    if (!covariance || !mean || !direction_mean || !projection) status = mask__no_memory(err, "whitening");
    if (status == MASK_OK) status = mask__feature_moments(labels, raise, &c, "whitening, mean", mean, NULL, run, err);
    if (status == MASK_OK)
        status =
            mask__feature_moments(labels, direct, &c, "whitening, covariance", direction_mean, covariance, run, err);
    if (status == MASK_OK) status = project(covariance, in, out, shrink, mask__labels_path(labels), projection, err);
    mask__arena_free(&work);
    *whitening = (mask__whitening){
        .power = power, .in = in, .out = out, .mean = mean, .direction_mean = direction_mean, .projection = projection};
    return status;
}
