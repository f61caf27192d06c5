/* One matching run, kept open so that its parts can be looked at (explanations). Calibration (docs/matching.md):
 *
 *   columns   A_w(i), G_w(i), H_w(i): cosines of word w with image i: pooled over regions, with the whole image, and of
 *             scene prototypes with the scene (scenes.h)
 *   word      c_w(i) = reliability_w (z_B A_w(i) + context z_B G_w(i) + scene z_B H_w(i)), z_B x = (x - mean_B) / sd_B
 *   text      S(t,i) = weighted mean of c_w(i) over the text's words; z(t,i) = (S(t,i) - mean_B S(t,.)) / sd_B S(t,.),
 *             times (sum of the weights)^text_power, whose mean over T is 1
 *   image     z(t,i) / (sd over T of z(.,i))^image_power, the deviation in units of its mean over B
 *   hubness   s(t,i) = z(t,i) - a h(i) - b g(t), h and g: the mean of the largest z with T and with B, or
 *             log(mean exp(sharpness z)) / sharpness, which needs no cut
 *
 * B and T are the knowledge's background, or, without one, the images and texts at hand. */
#ifndef MASK_MATCH_MATCHER_H
#define MASK_MATCH_MATCHER_H

#include "knowledge/lexicon.h"
#include "match/columns.h"
#include "match/statistics.h"

typedef struct mask__matcher {
    const mask_knowledge *knowledge;
    mask_match_options options;
    mask__lexicon lexicon; /* queries first, then the background's texts */
    size_t queries;
    size_t terms;
    mask__term_values values;
    bool transductive;
    int whole_region;                                          /* resolved: an index or MASK_WHOLE_MEAN */
    mask__affine *pooled_affine, *whole_affine, *scene_affine; /* terms; reliability is in the scale */
    float *columns;                                            /* terms x images, c_w(i) */
    float *text_mean, *text_deviation, *hub_text;              /* queries (+ T): of S over B; g(t) */
    float *hub_image;                                          /* images: h(i) */
    float *image_deviation;                                    /* images: what z is divided by */
    mask__column_times times;
    mask__arena arena;
} mask__matcher;

/* Refuses options that are out of their range or that the knowledge cannot serve. */
mask_status mask__match_check(const mask_match_options *options, const mask_knowledge *knowledge, mask_error *err);
mask_status mask__matcher_open(mask__matcher *matcher, const mask_knowledge *knowledge, const mask_vectors *vectors,
                               const mask_match_options *options, mask_error *err);
void mask__matcher_close(mask__matcher *matcher);
mask_status mask__matcher_add(mask__matcher *matcher, const char *text, mask_error *err);
/* Fills `values` of the terms so far. */
mask_status mask__matcher_value_terms(mask__matcher *matcher, mask_error *err);
/* scores[query * images + image]. Call once, after the texts were added. */
mask_status mask__matcher_run(mask__matcher *matcher, const mask_images *images, float *scores, const mask_run *run,
                              mask_error *err);
/* The same for regions of any source; whole_region is an index or MASK_WHOLE_MEAN. */
mask_status mask__matcher_run_regions(mask__matcher *matcher, const mask__regions *regions, int whole_region,
                                      float *scores, const mask_run *run, mask_error *err);

/* What MASK_WHOLE_AUTO means for these images: 0 or MASK_WHOLE_MEAN. */
int mask__whole_region_of(const mask_images *images);

#endif
