/* Encoders h: r -> mu, region feature (M) to region representation (Z). This room fits and applies them. */
#ifndef MASK_LEARN_ENCODER_H
#define MASK_LEARN_ENCODER_H

#include "base/error.h"
#include "base/memory.h"

typedef struct mask__encoder {
    mask_encoder kind;
    size_t in, out; /* M, Z; equal for `none` */
    /* whiten: mu = ((r^power - mean) / |r^power - mean| - direction_mean) projection */
    float power;
    const float *mean;           /* M */
    const float *direction_mean; /* M */
    const float *projection;     /* M x Z */
} mask__encoder;

/* mu of `rows` regions. `none` returns features themselves. Otherwise scratch holds rows x M, mu rows x Z, and the
 * result is mu. Runs on the OpenMP threads of the caller's setting. NaN in features gives NaN in that row. */
const float *mask__encoder_apply(const mask__encoder *encoder, const float *features, size_t rows, float *scratch,
                                 float *mu);

/* y = (x^power - mean) / |x^power - mean| row by row: rows x dim. Runs on the OpenMP threads of the caller's setting. */
void mask__encoder_directions(const float *x, float power, const float *mean, float *y, size_t rows, size_t dim);

/* Fits `whiten` on the features of labelled regions (labels are not looked at): power, centre, L2, centre, PCA to dim,
 * each eigenvalue + shrink x the mean of all M. Two passes over the features, M x M doubles of memory. */
mask_status mask__whiten_fit(mask__encoder *encoder, const mask_labels *labels, float power, size_t dim, float shrink,
                             mask__arena *arena, const mask_run *run, mask_error *err);

#endif
