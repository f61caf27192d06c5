/* Where the other scores of a re-ranking come from: a second matrix, read by blocks of rows, or a knowledge, whose
 * scores are computed for a block of images at a time. Against a background a score of a calibrated knowledge depends
 * on its own image and text only, so that blocks give what all images at once give. */
#include "eval/rerank.h"
#include "images/images.h"
#include "match/matcher.h"
#include "math/vector.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_IMAGES = 1024, MATRIX_ROWS = 64, ENCODE_IMAGES = 64 };

mask_status mask_rerank_add_matrix(mask_reranking *r, const char *path, const mask_run *run, mask_error *err)
{
    mask__npy other;
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(mask__sims_open(&other, path, err));
    mask_status status = MASK_OK;
    float *rows = NULL;
    if (other.shape[0] != r->images)
        status = mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                            "%s: %zu images, but %s has %zu: give scores of one data set", path, other.shape[0],
                            r->base.path, r->images);
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

/* What a knowledge's scores of blocks need in common. */
typedef struct source {
    const mask_knowledge *knowledge;
    const mask_vectors *vectors;
    const mask_images *images;
    const mask_texts *texts;
    const mask_match_options *options;
    const mask_run *run;
    float *scores; /* texts x images of a block */
    float lowest;  /* score so far of a text with a word */
    bool *empty;   /* texts: without a usable word */
} source;

/* mu of images [first, first + count) into the arena. */
static mask_status encode(const source *s, size_t first, size_t count, mask__regions *out, mask__arena *arena,
                          mask_error *err)
{
    const mask__representation *representation = &s->knowledge->representation;
    size_t most = 0, where, offsets[ENCODE_IMAGES + 1] = {0};
    uint64_t *rows = mask__arena_alloc(arena, count + 1, sizeof *rows);
    mask__encoding encoding;
    if (!rows) return mask__no_memory(err, "an encoding");
    for (size_t i = 0; i < count; i++) {
        size_t regions = mask_images_regions(s->images, first + i);
        rows[i + 1] = rows[i] + regions;
        if (regions > most) most = regions;
    }
    float *mu = mask__arena_alloc(arena, rows[count] * representation->out, sizeof *mu);
    float *buffer = mask__arena_alloc(arena, ENCODE_IMAGES * most * representation->in, sizeof *buffer);
    if (!mu || !buffer) return mask__no_memory(err, "an encoding");
    MASK__TRY(mask__encoding_open(&encoding, representation, ENCODE_IMAGES * most, most, err));
    mask_status status = MASK_OK;
    for (size_t i = 0; status == MASK_OK && i < count; i += ENCODE_IMAGES) {
        size_t block = count - i < ENCODE_IMAGES ? count - i : ENCODE_IMAGES, got;
        const float *features;
        status = mask__images_block(s->images, first + i, block, buffer, &features, &got, err);
        if (status != MASK_OK) break;
        for (size_t n = 0; n <= block; n++) offsets[n] = (size_t)(rows[i + n] - rows[i]);
        float *to = mu + rows[i] * representation->out;
        memcpy(to, mask__encoding_run(&encoding, features, offsets, block), got * representation->out * sizeof *to);
        bool finite = mask__all_finite(to, got * representation->out, &where);
        for (size_t n = 0; !finite && status == MASK_OK && n < block; n++)
            status = mask__images_refuse(s->images, first + i + n, err);
    }
    mask__encoding_close(&encoding);
    *out = (mask__regions){.image_rows = rows, .mu = mu, .count = count, .dim = representation->out};
    return status;
}

static mask_status add_texts(mask__matcher *m, const source *s, mask_error *err)
{
    for (size_t t = 0; t < mask_texts_count(s->texts); t++)
        MASK__TRY(mask__matcher_add(m, mask_texts_get(s->texts, t), err));
    return MASK_OK;
}

/* Texts without a usable word score as low as the lowest of the others, which only the last block knows. */
static void note_empty_texts(source *s, const mask__matcher *m, size_t count)
{
    const size_t *at = m->lexicon.text_at;
    for (size_t t = 0; t < m->queries; t++) {
        s->empty[t] = at[t] == at[t + 1];
        for (size_t i = 0; !s->empty[t] && i < count; i++)
            if (s->scores[t * count + i] < s->lowest) s->lowest = s->scores[t * count + i];
    }
}

static mask_status score_block(mask_reranking *r, source *s, size_t first, size_t count, mask_error *err)
{
    mask__matcher m;
    mask__regions regions;
    mask__arena arena = {0};
    int whole = s->options->whole_region;
    if (whole == MASK_WHOLE_AUTO) whole = mask__whole_region_of(s->images);
    MASK__TRY(mask__matcher_open(&m, s->knowledge, s->vectors, s->options, err));
    mask_status status = add_texts(&m, s, err);
    if (status == MASK_OK) status = encode(s, first, count, &regions, &arena, err);
    if (status == MASK_OK) status = mask__matcher_run_regions(&m, &regions, whole, s->scores, s->run, err);
    if (status == MASK_OK) {
        note_empty_texts(s, &m, count);
        mask__rerank_fill(r, &(mask__score_block){first, count, s->scores, count, 1});
    }
    mask__arena_free(&arena);
    mask__matcher_close(&m);
    return status;
}

static void sink_empty_texts(mask_reranking *r, const source *s)
{
    float lowest = s->lowest < FLT_MAX ? s->lowest : 0;
    for (size_t t = 0; t < r->texts; t++)
        for (size_t i = 0; s->empty[t] && i < r->t2i.count[t]; i++) r->t2i.other[t * r->t2i.k + i] = lowest;
    for (size_t q = 0; q < r->images; q++)
        for (size_t i = q * r->i2t.k; i < q * r->i2t.k + r->i2t.count[q]; i++)
            if (s->empty[r->i2t.item[i]]) r->i2t.other[i] = lowest;
}

static mask_status check_fit(const mask_reranking *r, const source *s, mask_error *err)
{
    size_t images = mask_images_count(s->images), texts = mask_texts_count(s->texts);
    if (mask_images_dim(s->images) != s->knowledge->representation.in)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: its features have %zu dimensions, the knowledge was learned on %zu: extract both alike",
                          mask__images_path(s->images), mask_images_dim(s->images), s->knowledge->representation.in);
    if (images == r->images && texts == r->texts) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                      "%s: %zu images x %zu texts, but the data set has %zu and %zu: give scores of this split",
                      r->base.path, r->images, r->texts, images, texts);
}

mask_status mask__rerank_add_blocks(mask_reranking *r, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                    const mask_images *images, const mask_texts *texts,
                                    const mask_match_options *options, size_t block, const mask_run *run,
                                    mask_error *err)
{
    mask_match_options o = options ? *options : mask_match_defaults(knowledge);
    mask__arena arena = {0};
    size_t scores;
    source s = {.knowledge = knowledge,
                .vectors = vectors,
                .images = images,
                .texts = texts,
                .options = &o,
                .run = run,
                .lowest = FLT_MAX};
    MASK__TRY(check_fit(r, &s, err));
    MASK__USE_THREADS(mask__threads(run));
    bool whole_set = knowledge->background.images == 0 && o.calibrate != MASK_CALIBRATE_NONE;
    if (whole_set || block > r->images) block = r->images;
    s.empty = mask__arena_alloc(&arena, r->texts, sizeof *s.empty);
    s.scores = mask__multiply(block, r->texts, &scores) ? mask__arena_alloc(&arena, scores, sizeof *s.scores) : NULL;
    mask_status status = s.empty && s.scores ? MASK_OK : mask__no_memory(err, "scores of a block of images");
    for (size_t i = 0; status == MASK_OK && i < r->images; i += block) {
        status = mask__progress(run, "other scores", "images", i, r->images, err);
        if (status == MASK_OK) status = score_block(r, &s, i, r->images - i < block ? r->images - i : block, err);
    }
    if (status == MASK_OK) sink_empty_texts(r, &s);
    mask__arena_free(&arena);
    r->filled = r->filled || status == MASK_OK;
    return status;
}

mask_status mask_rerank_add_knowledge(mask_reranking *r, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                      const mask_images *images, const mask_texts *texts,
                                      const mask_match_options *options, const mask_run *run, mask_error *err)
{
    return mask__rerank_add_blocks(r, knowledge, vectors, images, texts, options, BLOCK_IMAGES, run, err);
}
