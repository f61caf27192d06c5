/* A matcher opened for one call. */
#ifndef MASK_TESTS_MATCHING_H
#define MASK_TESTS_MATCHING_H

#include "mask.h"

static inline mask_status match_scores(const mask_knowledge *k, const mask_vectors *v, const mask_images *images,
                                       const mask_texts *texts, const mask_match_options *o, float *scores,
                                       mask_match_report *report, const mask_run *run, mask_error *err)
{
    mask_matcher *m;
    mask_status status = mask_matcher_open(&m, k, v, o, run, err);
    if (status == MASK_OK) status = mask_matcher_scores(m, images, texts, scores, NULL, report, run, err);
    mask_matcher_close(m);
    return status;
}

static inline mask_status match_read(mask_reading *out, const mask_knowledge *k, const mask_vectors *v,
                                     const char *text, const mask_match_options *o, mask_error *err)
{
    mask_matcher *m;
    mask_status status = mask_matcher_open(&m, k, v, o, NULL, err);
    if (status == MASK_OK) status = mask_matcher_read(m, text, out, err);
    mask_matcher_close(m);
    return status;
}

static inline mask_status match_explain(mask_explanation *out, const mask_knowledge *k, const mask_vectors *v,
                                        const mask_images *images, size_t image, const char *text,
                                        const mask_match_options *o, mask_error *err)
{
    mask_matcher *m;
    mask_status status = mask_matcher_open(&m, k, v, o, NULL, err);
    if (status == MASK_OK) status = mask_matcher_explain(m, images, image, text, out, NULL, err);
    mask_matcher_close(m);
    return status;
}

#endif
