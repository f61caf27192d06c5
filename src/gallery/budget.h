/* Which regions of an image to keep when only some can be (a quality dial after nested late interaction: any prefix of
 * the order is an index of its own). The whole-image region first, where there is one; then always the region that adds
 * most to
 *
 *   sum over words of weight_w max(0, max over the regions so far of (cos(mu_r, v_w) - mean_w) scale_w)
 *
 * over the known words that texts use most (at most 1000): weight_w is the number of background texts with the word;
 * without a background the most frequent labels count, all the same. Ties go to the lower region. */
#ifndef MASK_GALLERY_BUDGET_H
#define MASK_GALLERY_BUDGET_H

#include "match/calibration.h"

typedef struct mask__budget {
    const mask__calibration *calibration;
    size_t count;      /* words */
    float *prototypes; /* count x Z */
    float *weights;    /* count */
    uint32_t *words;   /* count: of the knowledge */
    mask__arena arena;
} mask__budget;

mask_status mask__budget_open(mask__budget *budget, const mask__calibration *calibration, mask_error *err);
void mask__budget_close(mask__budget *budget);
/* Floats of scratch for an image. */
size_t mask__budget_scratch(const mask__budget *budget, size_t regions);
/* The best min(keep, regions) regions of an image (regions x Z, unit), best first: order. */
void mask__budget_order(const mask__budget *budget, const float *mu, size_t regions, size_t keep, uint32_t *order,
                        float *scratch);

#endif
