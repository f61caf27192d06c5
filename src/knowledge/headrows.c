#include "knowledge/headrows.h"
#include "annotations/labels.h"
#include "base/memory.h"
#include "learn/moments.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float lengths[MASK__HEAD_ROWS] = {0.7f, 1, 1.3f};

/* w_c - mean w */
static void centre(const mask_head *head, float *centred)
{
    for (size_t d = 0; d < head->dim; d++) {
        double sum = 0;
        for (size_t c = 0; c < head->classes; c++) sum += head->weights[c * head->dim + d];
        for (size_t c = 0; c < head->classes; c++)
            centred[c * head->dim + d] = head->weights[c * head->dim + d] - (float)(sum / (double)head->classes);
    }
}

/* Whether a feature is ever below 0; asked of the first regions, as ReLU or not shows at once. */
static mask_status any_negative(const mask_labels *labels, bool *negative, mask_error *err)
{
    size_t regions = mask_labels_regions(labels), dim = mask_labels_dim(labels), rows = regions < 64 ? regions : 64;
    const float *x;
    MASK__FREED float *buffer = malloc((rows * dim + 1) * sizeof *buffer);
    if (!buffer) return mask__no_memory(err, "a classifier's head");
    MASK__TRY(mask__labels_block(labels, 0, rows, buffer, &x, err));
    *negative = false;
    for (size_t i = 0; i < rows * dim; i++) *negative = *negative || x[i] < 0;
    return MASK_OK;
}

static void place(const float *mean, const float *step, size_t dim, double distance, bool negative, float *rows)
{
    double length = sqrt((double)mask__dot(step, step, dim));
    for (size_t copy = 0; copy < MASK__HEAD_ROWS; copy++)
        for (size_t d = 0; d < dim; d++) {
            double value = mean[d] + (length > 0 ? lengths[copy] * distance / length * step[d] : 0);
            rows[copy * dim + d] = (float)(negative || value > 0 ? value : 0);
        }
}

mask_status mask__head_rows(const mask_head *head, const mask_labels *labels, float *rows, const mask_run *run,
                            mask_error *err)
{
    size_t dim = head->dim;
    if (dim != mask_labels_dim(labels))
        return mask__fail(err, MASK_EMISMATCH,
                          "%s: its features have %zu dimensions, the classifier's %zu: both must be of one encoder",
                          mask__labels_path(labels), mask_labels_dim(labels), dim);
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    bool negative = false;
    double trace = 0, *covariance = mask__arena_alloc(&work, dim * dim, sizeof *covariance);
    float *narrow = mask__arena_alloc(&work, dim * dim, sizeof *narrow),
          *mean = mask__arena_alloc(&work, dim, sizeof *mean);
    float *centred = mask__arena_alloc(&work, head->classes * dim, sizeof *centred);
    float *steps = mask__arena_alloc(&work, head->classes * dim, sizeof *steps);
    if (work.lost) return mask__no_memory(err, "a classifier's head");
    MASK__TRY(mask__feature_moments(labels, NULL, NULL, "classifier's head", mean, covariance, run, err));
    MASK__TRY(any_negative(labels, &negative, err));
    for (size_t i = 0; i < dim * dim; i++) narrow[i] = (float)covariance[i];
    for (size_t d = 0; d < dim; d++) trace += covariance[d * dim + d];
    centre(head, centred);
    mask__gemm(false, false, head->classes, dim, dim, 1, centred, dim, narrow, dim, 0, steps, dim);
    for (size_t c = 0; c < head->classes; c++)
        place(mean, steps + c * dim, dim, sqrt(trace > 0 ? trace : 0), negative, rows + c * MASK__HEAD_ROWS * dim);
    return MASK_OK;
}
