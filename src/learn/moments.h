/* Mean and covariance of region features, streamed: what whitening and the heads of classifiers are made of. */
#ifndef MASK_LEARN_MOMENTS_H
#define MASK_LEARN_MOMENTS_H

#include "base/error.h"

/* y (rows x dim) from x, on the OpenMP threads of the caller's setting. */
typedef void mask__feature_change(void *context, const float *x, size_t rows, size_t dim, float *y);

/* One pass over the features of labelled regions (labels are not looked at), each changed first (NULL = as it is): mean
 * (M) and, unless NULL, covariance (M x M). Sums are double, over a team's processes too. `what` names the pass in the
 * progress. */
mask_status mask__feature_moments(const mask_labels *labels, mask__feature_change *change, void *context,
                                  const char *what, float *mean, double *covariance, const mask_run *run,
                                  mask_error *err);

#endif
