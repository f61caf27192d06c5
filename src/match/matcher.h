/* Inside of mask_matcher for the rooms above: blocks of images for re-ranking, the calibration for a gallery. */
#ifndef MASK_MATCH_MATCHER_H
#define MASK_MATCH_MATCHER_H

#include "match/scores.h"

#include <pthread.h>

struct mask_matcher {
    const mask_knowledge *knowledge;
    const mask_vectors *vectors;
    mask_match_options options;
    pthread_mutex_t lock;              /* of all below, until one is made; then it never changes */
    mask__calibration calibrations[2]; /* where the whole image is the mean of the regions; where it is a region */
    mask__image_terms terms[2];        /* of each, made when texts are first scored */
    bool ready[2], terms_ready[2];
};

/* mask_matcher_open, but a matcher that reads no texts needs no vectors. */
mask_status mask__matcher_new(mask_matcher **out, const mask_knowledge *knowledge, const mask_vectors *vectors,
                              const mask_match_options *options, mask_error *err);
/* What the background makes of the knowledge where the whole image is this region or MASK_WHOLE_MEAN: computed at the
 * first call that asks for it, and owned by the matcher. */
mask_status mask__matcher_calibration(mask_matcher *matcher, int whole_region, const mask__calibration **out,
                                      const mask_run *run, mask_error *err);
/* The matcher's regions of a set, and which of them is the whole image. Refuses features of another dimension. */
mask_status mask__matcher_regions(const mask_matcher *matcher, const mask_images *images, mask__regions *regions,
                                  int *whole_region, mask_error *err);
/* Opens and prepares a batch. Close it in any case. */
mask_status mask__matcher_texts(mask_matcher *matcher, const mask_texts *texts, int whole_region, mask__text_batch *out,
                                const mask_run *run, mask_error *err);

#endif
