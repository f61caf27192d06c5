/* Re-ranking (method: Eq. 15), the inside: candidate lists, their two scores, and where scores come from.
 *
 * A query's new ranking has two tiers: its candidates by their new score, then everything else in the base's order.
 * So the rank of an own item follows from the candidates alone, or is the rank it had in the base. */
#ifndef MASK_EVAL_RERANK_H
#define MASK_EVAL_RERANK_H

#include "base/memory.h"
#include "formats/npy.h"
#include "eval/recall.h"

/* One direction's lists: query q owns entries [q * k, q * k + count[q]), best of the base first. */
typedef struct mask__candidates {
    size_t queries, k;
    uint32_t *count;
    uint32_t *item; /* images of a text, or texts of an image; numbered over all folds */
    float *base, *other;
    mask__rank *rank; /* queries: of the own item in the base */
} mask__candidates;

struct mask_reranking {
    mask__npy base;
    size_t images, texts, folds, top_k;
    mask__candidates t2i, i2t;
    bool filled; /* `other` is there */
    mask__arena arena;
};

/* Opens a score matrix: images x texts, five texts an image. */
mask_status mask__sims_open(mask__npy *sims, const char *path, mask_error *err);
/* Rows [first, first + count) into out, refusing what is not finite; their pages are let go. */
mask_status mask__sims_rows(const mask__npy *sims, size_t first, size_t count, float *out, mask_error *err);

/* Eq. 15: out = zscore(base) + alpha zscore(other) over n candidates (a deviation of 0 leaves 0), or the plain sum. */
void mask__rerank_combine(const mask_rerank_options *options, const float *base, const float *other, size_t n,
                          float *out);

/* Scores of a block of images with all texts; score of (text, image first + i) = scores[text * text_stride + i *
 * image_stride]. */
typedef struct mask__score_block {
    size_t first, count;
    const float *scores;
    size_t text_stride, image_stride;
} mask__score_block;
/* Hands a block's scores to the candidates among them. */
void mask__rerank_fill(mask_reranking *reranking, const mask__score_block *block);
/* mask_rerank_add_matcher by blocks of that many images. */
mask_status mask__rerank_add_blocks(mask_reranking *reranking, mask_matcher *matcher, const mask_images *images,
                                    const mask_texts *texts, size_t block, const mask_run *run, mask_error *err);

#endif
