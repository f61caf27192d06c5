#include "knowledge/scenes_learn.h"
#include "annotations/labels.h"
#include "math/eigen.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double eigenvalue_shrink = 0.7; /* x the mean eigenvalue */
static const double ridge = 20;              /* lambda */

mask_status mask__scenes_begin(mask__scene_gatherer *g, const mask_labels *labels, size_t z, mask__arena *arena,
                               mask_error *err)
{
    size_t images = mask_labels_images(labels);
    *g = (mask__scene_gatherer){.labels = labels, .scenes = {.images = images, .z = z}};
    g->scenes.vectors = mask__arena_alloc(arena, images * z, sizeof(float));
    g->scenes.mean = mask__arena_alloc(arena, z, sizeof(float));
    g->scenes.projection = mask__arena_alloc(arena, z * z, sizeof(float));
    g->weights = mask__arena_alloc(arena, images, sizeof(float));
    return arena->lost ? mask__no_memory(err, "scenes") : MASK_OK;
}

static float box_weight(const float *box)
{
    float width = fabsf(box[2] - box[0]), height = fabsf(box[3] - box[1]), area = width * height;
    return area > 0 ? sqrtf(area) : 1e-3f; /* a label without a box still counts, barely */
}

void mask__scenes_visit(void *context, size_t first, size_t rows, const float *mu)
{
    mask__scene_gatherer *g = context;
    size_t z = g->scenes.z;
    for (size_t r = 0; r < rows; r++) {
        size_t image = mask__labels_image(g->labels, first + r);
        float norm = mask__norm(mu + r * z, z), weight = box_weight(mask__labels_box(g->labels, first + r));
        if (norm > 0) mask__axpy(weight / norm, mu + r * z, g->scenes.vectors + image * z, z);
        g->weights[image] += weight;
    }
}

/* Centres the rows of x; mean gets what was taken away. */
static void centre_rows(float *x, size_t rows, size_t z, float *mean)
{
#pragma omp parallel for schedule(static)
    for (size_t d = 0; d < z; d++) {
        double sum = 0;
        for (size_t i = 0; i < rows; i++) sum += x[i * z + d];
        mean[d] = (float)(sum / (double)rows);
        for (size_t i = 0; i < rows; i++) x[i * z + d] -= mean[d];
    }
}

/* projection = Q / sqrt(eigenvalues + shrink x their mean) of the covariance of centred rows */
static mask_status whiten(const float *x, size_t rows, size_t z, float *projection, mask_error *err)
{
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    float *moment = mask__arena_alloc(&work, z * z, sizeof *moment);
    double *covariance = mask__arena_alloc(&work, z * z, sizeof *covariance), trace = 0;
    double *values = mask__arena_alloc(&work, z, sizeof *values);
    double *vectors = mask__arena_alloc(&work, z * z, sizeof *vectors);
    if (work.lost) return mask__no_memory(err, "scenes");
    mask__gemm(true, false, z, z, rows, 1, x, z, x, z, 0, moment, z);
    for (size_t i = 0; i < z * z; i++) covariance[i] = moment[i] / (double)rows;
    for (size_t d = 0; d < z; d++) trace += covariance[d * z + d];
    MASK__TRY(mask__eigen_symmetric(covariance, z, z, values, vectors, err));
    for (size_t j = 0; j < z; j++) {
        double value = (values[j] > 0 ? values[j] : 0) + eigenvalue_shrink * trace / (double)z;
        double scale = value > 0 ? 1 / sqrt(value) : 0;
        for (size_t i = 0; i < z; i++) projection[i * z + j] = (float)(vectors[i * z + j] * scale);
    }
    return MASK_OK;
}

mask_status mask__scenes_finish(mask__scene_gatherer *g, mask__scenes *out, mask_error *err)
{
    mask__scenes *s = &g->scenes;
    size_t z = s->z, values = s->images * z;
    for (size_t i = 0; i < values; i++) s->vectors[i] /= g->weights[i / z];
    centre_rows(s->vectors, s->images, z, s->mean);
    MASK__TRY(whiten(s->vectors, s->images, z, s->projection, err));
    float *white = malloc(values * sizeof *white);
    if (!white) return mask__no_memory(err, "scenes");
    mask__gemm(false, false, s->images, z, z, 1, s->vectors, z, s->projection, z, 0, white, z);
    memcpy(s->vectors, white, values * sizeof *white);
    free(white);
    *out = *s;
    return MASK_OK;
}

/* p: mean of the scene vectors of the images that hold a word. counts: images a word. */
static void means(const mask__scenes *s, const mask__incidence *in, const bool *use, float *p, uint64_t *counts)
{
    size_t z = s->z;
    for (size_t j = 0; j < s->images; j++)
        for (uint64_t i = in->at[j]; (!use || use[j]) && i < in->at[j + 1]; i++) {
            mask__axpy(1, s->vectors + j * z, p + in->word[i] * z, z);
            counts[in->word[i]]++;
        }
    for (size_t k = 0; k < in->words; k++)
        for (size_t d = k * z; counts[k] && d < (k + 1) * z; d++) p[d] /= (float)counts[k];
}

/* gram (words x words) = T'T + lambda I of the centred incidence, upper triangle; right (words x Z) = T'X. */
static void normal_equations(const mask__scenes *s, const mask__incidence *in, const bool *use, const uint64_t *counts,
                             double *gram, double *right, double *sum)
{
    size_t z = s->z, words = in->words, images = 0;
    for (size_t j = 0; j < s->images; j++) {
        if (use && !use[j]) continue;
        const uint32_t *word = in->word + in->at[j];
        size_t count = in->at[j + 1] - in->at[j];
        images++;
        for (size_t d = 0; d < z; d++) sum[d] += s->vectors[j * z + d];
        for (size_t a = 0; a < count; a++) {
            for (size_t b = a; b < count; b++) gram[word[a] * words + word[b]]++;
            for (size_t d = 0; d < z; d++) right[word[a] * z + d] += s->vectors[j * z + d];
        }
    }
#pragma omp parallel for schedule(static)
    for (size_t a = 0; a < words; a++) {
        double share = images ? (double)counts[a] / (double)images : 0;
        for (size_t b = a; b < words; b++) gram[a * words + b] -= share * (double)counts[b];
        for (size_t d = 0; d < z; d++) right[a * z + d] -= share * sum[d];
        gram[a * words + a] += ridge;
    }
}

static mask_status ridge_prototypes(const mask__scenes *s, const mask__incidence *in, const bool *use,
                                    const uint64_t *counts, float *q, mask_error *err)
{
    size_t z = s->z, words = in->words;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    double *gram = mask__arena_matrix(&work, words, words, sizeof *gram);
    double *right = mask__arena_matrix(&work, words, z, sizeof *right);
    double *sum = mask__arena_alloc(&work, z, sizeof *sum);
    if (work.lost) return mask__no_memory(err, "scene prototypes");
    normal_equations(s, in, use, counts, gram, right, sum);
    MASK__TRY(mask__solve_positive(gram, words, right, z, err));
    for (size_t i = 0; i < words * z; i++) q[i] = (float)right[i];
    return MASK_OK;
}

mask_status mask__scene_prototypes(const mask__scenes *s, const mask__incidence *in, const bool *use,
                                   const mask__neighbours *neighbours, float pseudo_counts, float *out, mask_error *err)
{
    size_t z = s->z, words = in->words;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    float *q = mask__arena_alloc(&work, words * z, sizeof *q);
    uint64_t *counts = mask__arena_alloc(&work, words, sizeof *counts);
    if (work.lost) return mask__no_memory(err, "scene prototypes");
    memset(out, 0, words * z * sizeof *out);
    means(s, in, use, out, counts);
    MASK__TRY(mask__neighbours_shrink(neighbours, counts, pseudo_counts, out, z, err));
    MASK__TRY(ridge_prototypes(s, in, use, counts, q, err));
    for (size_t k = 0; k < words; k++) {
        mask__normalise(out + k * z, z);
        mask__normalise(q + k * z, z);
        mask__axpy(1, q + k * z, out + k * z, z);
    }
    return MASK_OK;
}
