/* The statistics of docs/matching.md as plain functions of arrays, shared by the matcher, which has all texts and
 * images at hand, and the calibration, which has neither. */
#ifndef MASK_MATCH_STATISTICS_H
#define MASK_MATCH_STATISTICS_H

#include "base/error.h"
#include "math/vector.h"

/* x' = (x - mean) * scale */
typedef struct mask__affine {
    float mean, scale;
} mask__affine;

/* 0 and 0 of nothing. */
void mask__mean_and_deviation(const float *x, size_t n, double *mean, double *deviation);
/* What makes a word's column over B (NULL = not calibrated) comparable with others', times what the word is worth. */
mask__affine mask__word_affine(const float *column, size_t count, float reliability, mask_calibrate level);
/* max(sum of a text's weights, 0.3)^text_power: f(t) without its mean over T. */
double mask__text_scale(double weights, float text_power);
/* How much of the images' hubness a text of that summed weight loses: 0 to 1. */
float mask__hub_share(float weights, const mask_match_options *options);
/* a times the mean of h. */
double mask__mean_hub(const float *hub, size_t count, const mask_match_options *options);
/* mean_B S and sd_B S / f(t) from S over B. scale: f(t). */
mask__affine mask__text_affine(const float *over_b, size_t count, double scale);
/* How near the k largest of n scores are, or log(mean exp(sharpness x)) / sharpness when k is 0. scratch: k + 1. */
double mask__hubness(const float *x, size_t n, size_t k, float sharpness, mask__ranked *scratch);
/* For each image of z (texts x count): the deviation of its scores with T, to the power, in units of `reference` (the
 * mean deviation over B; 0 = take 1 everywhere), and, where hub is not NULL, h(i) of the scores so divided. Parallel.
 */
mask_status mask__image_statistics(const float *z, size_t texts, size_t count, const mask_match_options *options,
                                   double reference, float *deviations, float *hub, mask_error *err);
/* The mean over B of the deviations that mask__image_statistics finds: its `reference`. 0 when image power is off. */
mask_status mask__reference_deviation(const float *z, size_t texts, size_t count, const mask_match_options *options,
                                      double *reference, mask_error *err);

#endif
