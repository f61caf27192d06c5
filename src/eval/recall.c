/* Recall at K and ranks, as every paper computes them (see mask_recalls_compute for the tie rule). Scores are
 * text-major, so that both directions are straight passes over rows. */
#include "eval/recall.h"
#include "base/error.h"
#include "base/memory.h"
#include "formats/npz.h"
#include "nn/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_PER_IMAGE = MASK__TEXTS_PER_IMAGE, LEVELS = 3, TRANSPOSE_IMAGES = 64, DRAWS = 1000 };
static const double levels[LEVELS] = {1, 5, 10};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double rank_of(mask__rank rank)
{
    return rank.better + 0.5 * rank.equal;
}

static double percent(double count, size_t of)
{
    return of ? 100 * count / (double)of : 0;
}

mask_recall mask__recall_of(const mask__rank *ranks, size_t count, const unsigned char *kinds, unsigned care,
                            unsigned want, double *values)
{
    mask_recall m = {0};
    double hits[LEVELS] = {0}, low[LEVELS] = {0}, high[LEVELS] = {0}, sum = 0;
    for (size_t q = 0; q < count; q++) {
        if (kinds && (kinds[q] & care) != want) continue;
        double value = rank_of(ranks[q]);
        for (int k = 0; k < LEVELS; k++) {
            hits[k] += value < levels[k];
            high[k] += ranks[q].better < levels[k];
            low[k] += (double)ranks[q].better + ranks[q].equal < levels[k];
        }
        values[m.queries++] = value;
        sum += value;
    }
    if (!m.queries) return m;
    qsort(values, m.queries, sizeof *values, by_value);
    double middle = (values[(m.queries - 1) / 2] + values[m.queries / 2]) / 2;
    m.r1 = percent(hits[0], m.queries);
    m.r5 = percent(hits[1], m.queries);
    m.r10 = percent(hits[2], m.queries);
    m.medr = floor(middle) + 1;
    m.meanr = sum / (double)m.queries + 1;
    for (int k = 0; k < LEVELS; k++) {
        m.low[k] = percent(low[k], m.queries);
        m.high[k] = percent(high[k], m.queries);
    }
    return m;
}

/* A fold: images [first, first + count) and their texts. */
typedef struct fold {
    const float *scores;
    size_t stride, first, count;
} fold;

static const float *row_of(const fold *f, size_t text)
{
    return f->scores + (TEXTS_PER_IMAGE * f->first + text) * f->stride + f->first;
}

mask__rank mask__rank_among(const float *scores, size_t count, size_t first, size_t own)
{
    float best = scores[first];
    uint32_t better = 0, equal = 0, own_equal = 0;
    for (size_t i = first + 1; i < first + own; i++) best = fmaxf(best, scores[i]);
    for (size_t i = first; i < first + own; i++) own_equal += scores[i] == best;
    for (size_t i = 0; i < count; i++) {
        better += scores[i] > best;
        equal += scores[i] == best;
    }
    return (mask__rank){better, equal - own_equal};
}

static void text_ranks(const fold *f, mask__rank *ranks)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < TEXTS_PER_IMAGE * f->count; t++)
        ranks[t] = mask__rank_among(row_of(f, t), f->count, t / TEXTS_PER_IMAGE, 1);
}

/* An image's rank is that of its best text; texts of its own that tie with that one do not count. */
static void image_ranks(const fold *f, mask__rank *ranks, float *best)
{
    size_t texts = TEXTS_PER_IMAGE * f->count;
    for (size_t i = 0; i < f->count; i++) {
        uint32_t own_equal = 0;
        best[i] = row_of(f, TEXTS_PER_IMAGE * i)[i];
        for (size_t t = 1; t < TEXTS_PER_IMAGE; t++) best[i] = fmaxf(best[i], row_of(f, TEXTS_PER_IMAGE * i + t)[i]);
        for (size_t t = 0; t < TEXTS_PER_IMAGE; t++) own_equal += row_of(f, TEXTS_PER_IMAGE * i + t)[i] == best[i];
        ranks[i] = (mask__rank){0, -own_equal};
    }
#pragma omp parallel for schedule(static)
    for (size_t i0 = 0; i0 < f->count; i0 += TRANSPOSE_IMAGES) {
        size_t i1 = i0 + TRANSPOSE_IMAGES < f->count ? i0 + TRANSPOSE_IMAGES : f->count;
        for (size_t t = 0; t < texts; t++) {
            const float *row = row_of(f, t);
            for (size_t i = i0; i < i1; i++) {
                ranks[i].better += row[i] > best[i];
                ranks[i].equal += row[i] == best[i];
            }
        }
    }
}

void mask__recall_average(mask_recall *sum, const mask_recall *m, double share)
{
    sum->r1 += share * m->r1;
    sum->r5 += share * m->r5;
    sum->r10 += share * m->r10;
    sum->medr += share * m->medr;
    sum->meanr += share * m->meanr;
    for (int k = 0; k < LEVELS; k++) {
        sum->low[k] += share * m->low[k];
        sum->high[k] += share * m->high[k];
    }
    sum->queries += m->queries;
}

static bool tied(const mask_recall *m)
{
    for (int k = 0; k < LEVELS; k++)
        if (m->low[k] < m->high[k]) return true;
    return false;
}

void mask__recall_share(double *shares, const mask__rank *ranks, size_t images, size_t queries)
{
    for (size_t q = 0; q < images * queries; q++)
        for (int k = 0; k < LEVELS; k++)
            if (rank_of(ranks[q]) < levels[k]) shares[q / queries] += 100 / (double)queries;
}

void mask__recall_finish(mask_recalls *r, const double *shares, size_t images, const mask_run *run)
{
    double sums[DRAWS];
    uint64_t seed = run ? run->seed : 0;
    r->rsum = r->t2i.r1 + r->t2i.r5 + r->t2i.r10 + r->i2t.r1 + r->i2t.r5 + r->i2t.r10;
    r->ties = tied(&r->t2i) || tied(&r->i2t);
#pragma omp parallel for schedule(static)
    for (size_t d = 0; d < DRAWS; d++) {
        sums[d] = 0;
        for (size_t i = 0; i < images; i++)
            sums[d] += shares[(size_t)(mask__uniform(mask__random(seed, d), i) * (double)images)];
    }
    qsort(sums, DRAWS, sizeof *sums, by_value);
    r->rsum_low = sums[DRAWS / 40] / (double)images;
    r->rsum_high = sums[DRAWS - 1 - DRAWS / 40] / (double)images;
}

static mask_status check(const float *scores, size_t images, size_t texts, size_t folds, mask_error *err)
{
    if (images == 0 || texts != TEXTS_PER_IMAGE * images)
        return mask__fail(err, MASK_EMISMATCH, "%zu texts for %zu images: recall needs exactly five texts an image",
                          texts, images);
    if (folds < 1 || images % folds != 0)
        return mask__fail(err, MASK_EINVAL, "%zu images cannot be cut into %zu equal folds", images, folds);
    for (size_t at = 0; at < images * texts; at++)
        if (isnan(scores[at]))
            return mask__fail(err, MASK_ENUMERIC, "the score of text %zu and image %zu is NaN", at / images,
                              at % images);
    return MASK_OK;
}

/* Ranks of both directions, each fold by itself. */
typedef struct ranking {
    mask__rank *t2i, *i2t; /* texts, images */
    double *values;        /* scratch, texts */
    mask__arena arena;
} ranking;

static mask_status rank_all(ranking *r, const float *scores, size_t images, size_t texts, size_t folds,
                            const mask_run *run, mask_error *err)
{
    *r = (ranking){0};
    MASK__TRY(check(scores, images, texts, folds, err));
    MASK__USE_THREADS(mask__threads(run));
    r->t2i = mask__arena_alloc(&r->arena, texts, sizeof *r->t2i);
    r->i2t = mask__arena_alloc(&r->arena, images, sizeof *r->i2t);
    r->values = mask__arena_alloc(&r->arena, texts, sizeof *r->values);
    float *best = mask__arena_alloc(&r->arena, images, sizeof *best);
    if (!r->t2i || !r->i2t || !r->values || !best) {
        mask__arena_free(&r->arena);
        return mask__no_memory(err, "recalls");
    }
    for (size_t n = 0; n < folds; n++) {
        fold f = {.scores = scores, .stride = images, .first = n * (images / folds), .count = images / folds};
        text_ranks(&f, r->t2i + TEXTS_PER_IMAGE * f.first);
        image_ranks(&f, r->i2t + f.first, best);
    }
    return MASK_OK;
}

mask_status mask_recalls_compute(mask_recalls *out, const float *scores, size_t images, size_t texts,
                                 const unsigned char *text_kinds, size_t folds, const mask_run *run, mask_error *err)
{
    enum { KNOWN = 1, OOD = 2 };
    ranking r;
    memset(out, 0, sizeof *out);
    MASK__TRY(rank_all(&r, scores, images, texts, folds, run, err));
    double *shares = mask__arena_alloc(&r.arena, images, sizeof *shares), share = 1 / (double)folds;
    size_t count = images / folds;
    for (size_t n = 0; shares && n < folds; n++) {
        const mask__rank *ranks = r.t2i + TEXTS_PER_IMAGE * n * count;
        const unsigned char *kinds = text_kinds ? text_kinds + TEXTS_PER_IMAGE * n * count : NULL;
        mask_recall m = mask__recall_of(ranks, TEXTS_PER_IMAGE * count, NULL, 0, 0, r.values);
        mask__recall_average(&out->t2i, &m, share);
        if (kinds) {
            m = mask__recall_of(ranks, TEXTS_PER_IMAGE * count, kinds, KNOWN | OOD, KNOWN, r.values);
            mask__recall_average(&out->t2i_known, &m, share);
            m = mask__recall_of(ranks, TEXTS_PER_IMAGE * count, kinds, OOD, OOD, r.values);
            mask__recall_average(&out->t2i_ood, &m, share);
        }
        m = mask__recall_of(r.i2t + n * count, count, NULL, 0, 0, r.values);
        mask__recall_average(&out->i2t, &m, share);
    }
    if (shares) {
        mask__recall_share(shares, r.t2i, images, TEXTS_PER_IMAGE);
        mask__recall_share(shares, r.i2t, images, 1);
        mask__recall_finish(out, shares, images, run);
    }
    mask__arena_free(&r.arena);
    return shares ? MASK_OK : mask__no_memory(err, "recalls");
}

mask_status mask_ranks_compute(float *t2i, float *i2t, const float *scores, size_t images, size_t texts, size_t folds,
                               const mask_run *run, mask_error *err)
{
    ranking r;
    MASK__TRY(rank_all(&r, scores, images, texts, folds, run, err));
    for (size_t t = 0; t < texts; t++) t2i[t] = (float)rank_of(r.t2i[t]);
    for (size_t i = 0; i < images; i++) i2t[i] = (float)rank_of(r.i2t[i]);
    mask__arena_free(&r.arena);
    return MASK_OK;
}

mask_status mask_ranks_save(const char *path, const float *t2i, const float *i2t, size_t images, size_t texts,
                            mask_error *err)
{
    mask__npz npz;
    MASK__TRY(mask__npz_create(&npz, path, err));
    mask_status status = mask__npz_add(&npz, "t2i", MASK__NPY_F32, 1, &texts, t2i, err);
    if (status == MASK_OK) status = mask__npz_add(&npz, "i2t", MASK__NPY_F32, 1, &images, i2t, err);
    if (status == MASK_OK) return mask__npz_commit(&npz, err);
    mask__npz_close(&npz);
    return status;
}

mask_status mask_scores_save(const char *path, const float *scores, size_t images, size_t texts, mask_error *err)
{
    mask__npy_writer writer;
    float *rows = malloc((TRANSPOSE_IMAGES * texts + 1) * sizeof *rows);
    if (!rows) return mask__no_memory(err, path);
    mask_status status = mask__npy_create(&writer, path, MASK__NPY_F32, 2, (size_t[]){images, texts}, err);
    for (size_t i0 = 0; status == MASK_OK && i0 < images; i0 += TRANSPOSE_IMAGES) {
        size_t count = images - i0 < TRANSPOSE_IMAGES ? images - i0 : TRANSPOSE_IMAGES;
        for (size_t t = 0; t < texts; t++)
            for (size_t i = 0; i < count; i++) rows[i * texts + t] = scores[t * images + i0 + i];
        status = mask__npy_append(&writer, rows, count * texts, err);
    }
    free(rows);
    if (status == MASK_OK) return mask__npy_commit(&writer, err);
    mask__npy_abort(&writer);
    return status;
}
