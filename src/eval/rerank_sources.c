/* Where the other scores of a re-ranking come from: a second matrix, read by blocks of rows, or a knowledge, whose
 * scores are computed for a block of images at a time. Against a background a score of a calibrated knowledge depends
 * on its own image and text only, so that blocks give what all images at once give. */
#include "eval/rerank.h"
#include "match/matcher.h"

#include <float.h>
#include <stdlib.h>

enum { BLOCK_IMAGES = 1024, MATRIX_ROWS = 64 };

mask_status mask_rerank_add_matrix(mask_reranking *r, const char *path, const mask_run *run, mask_error *err)
{
    mask__npy other;
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(mask__sims_open(&other, path, err));
    mask_status status = MASK_OK;
    float *rows = NULL;
    if (other.shape[0] != r->images)
        status = mask__fail(err, MASK_EMISMATCH, "%s: %zu images, but %s has %zu: give scores of one data set", path,
                            other.shape[0], r->base.path, r->images);
    else if (!(rows = malloc(MATRIX_ROWS * r->texts * sizeof *rows))) status = mask__no_memory(err, path);
    for (size_t i = 0; status == MASK_OK && i < r->images; i += MATRIX_ROWS) {
        size_t count = r->images - i < MATRIX_ROWS ? r->images - i : MATRIX_ROWS;
        status = mask__progress(run, "other scores", "images", i, r->images, err);
        if (status == MASK_OK) status = mask__sims_rows(&other, i, count, rows, err);
        if (status == MASK_OK) mask__rerank_fill(r, &(mask__score_block){i, count, rows, 1, r->texts});
    }
    free(rows);
    mask__npy_close(&other);
    r->filled = r->filled || status == MASK_OK;
    return status;
}

/* What a matcher's scores of blocks need in common. */
typedef struct source {
    mask__text_batch texts;
    mask__regions regions;
    int whole_region;
    float *scores; /* texts x images of a block */
    float lowest;  /* score so far of a text with a word */
    const mask_run *run;
} source;

/* Texts without a usable word score as low as the lowest of the others, which only the last block knows. */
static mask_status score_block(mask_reranking *r, source *s, size_t first, size_t count, mask_error *err)
{
    mask__regions part = mask__regions_part(&s->regions, first, count);
    MASK__TRY(mask__text_batch_score(&s->texts, &part, s->whole_region, s->scores, count, NULL, s->run, err));
    for (size_t t = 0; t < r->texts; t++)
        for (size_t i = 0; mask__text_usable(&s->texts, t) && i < count; i++)
            if (s->scores[t * count + i] < s->lowest) s->lowest = s->scores[t * count + i];
    mask__rerank_fill(r, &(mask__score_block){first, count, s->scores, count, 1});
    return MASK_OK;
}

static void sink_empty_texts(mask_reranking *r, const source *s)
{
    float lowest = s->lowest < FLT_MAX ? s->lowest : 0;
    for (size_t t = 0; t < r->texts; t++)
        for (size_t i = 0; !mask__text_usable(&s->texts, t) && i < r->t2i.count[t]; i++)
            r->t2i.other[t * r->t2i.k + i] = lowest;
    for (size_t q = 0; q < r->images; q++)
        for (size_t i = q * r->i2t.k; i < q * r->i2t.k + r->i2t.count[q]; i++)
            if (!mask__text_usable(&s->texts, r->i2t.item[i])) r->i2t.other[i] = lowest;
}

static mask_status check_fit(const mask_reranking *r, size_t images, size_t texts, mask_error *err)
{
    if (images == r->images && texts == r->texts) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH,
                      "%s: %zu images x %zu texts, but the data set has %zu and %zu: give scores of this split",
                      r->base.path, r->images, r->texts, images, texts);
}

static mask_status score_blocks(mask_reranking *r, source *s, size_t block, mask_error *err)
{
    mask_status status = MASK_OK;
    size_t scores;
    if (s->texts.transductive || block > r->images) block = r->images;
    s->scores = mask__multiply(block, r->texts, &scores) ? malloc((scores + 1) * sizeof *s->scores) : NULL;
    if (!s->scores) return mask__no_memory(err, "scores of a block of images");
    for (size_t i = 0; status == MASK_OK && i < r->images; i += block) {
        status = mask__progress(s->run, "other scores", "images", i, r->images, err);
        if (status == MASK_OK) status = score_block(r, s, i, r->images - i < block ? r->images - i : block, err);
    }
    if (status == MASK_OK) sink_empty_texts(r, s);
    free(s->scores);
    r->filled = r->filled || status == MASK_OK;
    return status;
}

mask_status mask__rerank_add_blocks(mask_reranking *r, mask_matcher *matcher, const mask_images *images,
                                    const mask_texts *texts, size_t block, const mask_run *run, mask_error *err)
{
    source s = {.run = run, .lowest = FLT_MAX};
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(mask__matcher_regions(matcher, images, &s.regions, &s.whole_region, err));
    MASK__TRY(check_fit(r, mask_images_count(images), mask_texts_count(texts), err));
    mask_status status = mask__matcher_texts(matcher, texts, s.whole_region, &s.texts, run, err);
    if (status == MASK_OK) status = score_blocks(r, &s, block, err);
    mask__text_batch_close(&s.texts);
    return status;
}

mask_status mask_rerank_add_matcher(mask_reranking *r, mask_matcher *matcher, const mask_images *images,
                                    const mask_texts *texts, const mask_run *run, mask_error *err)
{
    return mask__rerank_add_blocks(r, matcher, images, texts, BLOCK_IMAGES, run, err);
}
