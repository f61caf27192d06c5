/* Re-ranking: candidates of the base, their new order, its recalls and its matrix. Refuses to hold a whole matrix: the
 * base is read by blocks of rows, once for each direction. Other scores come in by rerank_sources.c. */
#include "eval/rerank.h"
#include "base/options.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OWN = MASK__TEXTS_PER_IMAGE, ROWS = 64, TILE_TEXTS = 1024 };

/* ---- The base ---- */

mask_status mask__sims_open(mask__npy *sims, const char *path, mask_error *err)
{
    MASK__TRY(mask__npy_open(sims, path, err));
    mask_status status = MASK_OK;
    if (!mask__npy_is_float(sims) || sims->ndim != 2)
        status =
            mask__fail_at(err, MASK_EFORMAT, 0,
                          "%s: is not a matrix of floats: save scores with np.save(path, sims), images x texts", path);
    else if (sims->shape[0] == OWN * sims->shape[1])
        status = mask__fail(err, MASK_EMISMATCH,
                            "%s: its %zu x %zu scores look like texts x images: save them with np.save(path, sims.T)",
                            path, sims->shape[0], sims->shape[1]);
    else if (sims->shape[1] != OWN * sims->shape[0] || sims->shape[1] > UINT32_MAX)
        status = mask__fail(err, MASK_EMISMATCH,
                            "%s: %zu x %zu scores: recall needs images x texts with exactly five texts an image", path,
                            sims->shape[0], sims->shape[1]);
    if (status != MASK_OK) mask__npy_close(sims);
    return status;
}

mask_status mask__sims_rows(const mask__npy *sims, size_t first, size_t count, float *out, mask_error *err)
{
    size_t texts = sims->shape[1], where;
    mask__npy_floats(sims, first * texts, count * texts, out);
    mask__npy_forget(sims, first * texts, count * texts);
    if (mask__all_finite(out, count * texts, &where)) return MASK_OK;
    size_t item = first * texts + where, byte = sims->data_offset + item * sims->item_bytes;
    return mask__fail_at(err, MASK_ENUMERIC, byte,
                         "%s: byte %zu: the score of image %zu and text %zu is not finite: compute it again",
                         sims->path, byte, item / texts, item % texts);
}

static mask_status make_lists(mask_reranking *r, mask__candidates *c, size_t queries, size_t items, size_t top_k,
                              mask_error *err)
{
    size_t entries;
    *c = (mask__candidates){.queries = queries, .k = top_k < items ? top_k : items};
    bool fits = mask__multiply(queries, c->k, &entries);
    c->count = mask__arena_alloc(&r->arena, queries, sizeof *c->count);
    c->rank = mask__arena_alloc(&r->arena, queries, sizeof *c->rank);
    c->item = fits ? mask__arena_alloc(&r->arena, entries + 1, sizeof *c->item) : NULL;
    c->base = fits ? mask__arena_alloc(&r->arena, entries + 1, sizeof *c->base) : NULL;
    c->other = fits ? mask__arena_alloc(&r->arena, entries + 1, sizeof *c->other) : NULL;
    if (c->count && c->rank && c->item && c->base && c->other) return MASK_OK;
    return mask__no_memory(err, "re-ranking");
}

/* A query's candidates and rank from its scores with the n items of its fold, the first of which has number `offset`
 * and [own, own + owned) of which are its own. best: scratch, k + 1. */
static void list_candidates(mask__candidates *c, size_t q, const float *scores, size_t n, size_t offset, size_t own,
                            size_t owned, mask__ranked *best)
{
    size_t found = mask__top_k(scores, n, c->k + 1, best), count = found;
    if (found > c->k) /* one more than asked for: nothing that ties with it is a candidate */
        while (count > 0 && best[count - 1].value == best[found - 1].value) count--;
    for (size_t i = 0; i < count; i++) {
        c->item[q * c->k + i] = (uint32_t)(offset + best[i].index);
        c->base[q * c->k + i] = best[i].value;
    }
    c->count[q] = (uint32_t)count;
    c->rank[q] = mask__rank_among(scores, n, own, owned);
}

/* Images' candidates from rows [first, first + count). best: scratch of (k + 1) an image. */
static void list_texts(mask_reranking *r, size_t first, size_t count, const float *rows, mask__ranked *best)
{
    size_t fold_images = r->images / r->folds;
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < count; i++) {
        size_t image = first + i, fold = image / fold_images * fold_images;
        list_candidates(&r->i2t, image, rows + i * r->texts + OWN * fold, OWN * fold_images, OWN * fold,
                        OWN * (image - fold), OWN, best + i * (r->i2t.k + 1));
    }
}

/* Texts' candidates from a tile of texts [first, first + count), text-major. */
static void list_images(mask_reranking *r, size_t first, size_t count, const float *tile, mask__ranked *best)
{
    size_t fold_images = r->images / r->folds;
#pragma omp parallel for schedule(dynamic, 16)
    for (size_t t = 0; t < count; t++) {
        size_t image = (first + t) / OWN, fold = image / fold_images * fold_images;
        list_candidates(&r->t2i, first + t, tile + t * r->images + fold, fold_images, fold, image - fold, 1,
                        best + t * (r->t2i.k + 1));
    }
}

static mask_status read_images(mask_reranking *r, const mask_run *run, mask_error *err)
{
    float *rows = malloc(ROWS * r->texts * sizeof *rows);
    mask__ranked *best = malloc(ROWS * (r->i2t.k + 1) * sizeof *best);
    mask_status status = rows && best ? MASK_OK : mask__no_memory(err, "re-ranking");
    for (size_t i = 0; status == MASK_OK && i < r->images; i += ROWS) {
        size_t count = mask__least(ROWS, r->images - i);
        status = mask__progress(run, "candidate texts", "images", i, r->images, err);
        if (status == MASK_OK) status = mask__sims_rows(&r->base, i, count, rows, err);
        if (status == MASK_OK) list_texts(r, i, count, rows, best);
    }
    free(rows);
    free(best);
    return status;
}

/* Columns [first, first + count) of the base, transposed: tile[text * images + image]. column: scratch, count. */
static void read_tile(const mask__npy *base, size_t first, size_t count, float *column, float *tile)
{
    size_t images = base->shape[0], texts = base->shape[1];
    for (size_t i = 0; i < images; i++) {
        mask__npy_floats(base, i * texts + first, count, column);
        for (size_t t = 0; t < count; t++) tile[t * images + i] = column[t];
        if (i % ROWS == ROWS - 1) mask__npy_forget(base, (i + 1 - ROWS) * texts, ROWS * texts);
    }
}

static mask_status read_texts(mask_reranking *r, const mask_run *run, mask_error *err)
{
    size_t most = mask__least(TILE_TEXTS, r->texts);
    float *tile = malloc(most * r->images * sizeof *tile), *column = malloc(most * sizeof *column);
    mask__ranked *best = malloc(most * (r->t2i.k + 1) * sizeof *best);
    mask_status status = tile && column && best ? MASK_OK : mask__no_memory(err, "re-ranking");
    for (size_t t = 0; status == MASK_OK && t < r->texts; t += most) {
        size_t count = mask__least(most, r->texts - t);
        status = mask__progress(run, "candidate images", "texts", t, r->texts, err);
        if (status != MASK_OK) break;
        read_tile(&r->base, t, count, column, tile);
        list_images(r, t, count, tile, best);
    }
    free(tile);
    free(column);
    free(best);
    return status;
}

mask_status mask_rerank_open(mask_reranking **out, const char *base, size_t top_k, size_t folds, const mask_run *run,
                             mask_error *err)
{
    *out = NULL;
    mask_reranking *r = calloc(1, sizeof *r);
    if (!r) return mask__no_memory(err, "re-ranking");
    MASK__USE_THREADS(mask__threads(run));
    mask_status status = mask__sims_open(&r->base, base, err);
    if (status == MASK_OK) {
        r->images = r->base.shape[0];
        r->texts = r->base.shape[1];
        r->folds = folds;
        r->top_k = top_k;
        if (folds < 1 || r->images % folds != 0)
            status = mask__fail(err, MASK_EINVAL, "%s: its %zu images cannot be cut into %zu equal folds", base,
                                r->images, folds);
    }
    if (status == MASK_OK) status = make_lists(r, &r->t2i, r->texts, r->images / folds, top_k, err);
    if (status == MASK_OK) status = make_lists(r, &r->i2t, r->images, r->texts / folds, top_k, err);
    if (status == MASK_OK) status = read_images(r, run, err); /* first, for it refuses what is not finite */
    if (status == MASK_OK) status = read_texts(r, run, err);
    if (status != MASK_OK) mask_rerank_close(r);
    else *out = r;
    return status;
}

void mask_rerank_close(mask_reranking *r)
{
    if (!r) return;
    mask__npy_close(&r->base);
    mask__arena_free(&r->arena);
    free(r);
}

size_t mask_rerank_images(const mask_reranking *r)
{
    return r->images;
}

size_t mask_rerank_texts(const mask_reranking *r)
{
    return r->texts;
}

/* ---- The new order ---- */

void mask__rerank_fill(mask_reranking *r, const mask__score_block *b)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < r->texts; t++)
        for (size_t i = t * r->t2i.k; i < t * r->t2i.k + r->t2i.count[t]; i++) {
            size_t image = r->t2i.item[i] - b->first; /* wraps below */
            if (image < b->count) r->t2i.other[i] = b->scores[t * b->text_stride + image * b->image_stride];
        }
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < b->count; n++) {
        size_t at = (b->first + n) * r->i2t.k;
        for (size_t i = at; i < at + r->i2t.count[b->first + n]; i++)
            r->i2t.other[i] = b->scores[r->i2t.item[i] * b->text_stride + n * b->image_stride];
    }
}

/* How many of a query's candidates remain with a smaller k: those above the (k + 1)-th score. */
static size_t remaining(const mask__candidates *c, size_t q, size_t k)
{
    const float *base = c->base + q * c->k;
    size_t count = c->count[q];
    if (k >= count) return count; /* what ties at the cut is outside already */
    while (count > 0 && base[count - 1] <= base[k]) count--;
    return count;
}

static void mean_and_deviation(const float *x, size_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = sqrt(squares / (double)n);
}

void mask__rerank_combine(const mask_rerank_options *o, const float *base, const float *other, size_t n, float *out)
{
    double mean[2] = {0, 0}, deviation[2] = {1, 1};
    if (o->rule == MASK_RERANK_ZSCORE && n) {
        mean_and_deviation(base, n, &mean[0], &deviation[0]);
        mean_and_deviation(other, n, &mean[1], &deviation[1]);
    }
    for (int s = 0; s < 2; s++)
        if (deviation[s] == 0) deviation[s] = INFINITY;
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((base[i] - mean[0]) / deviation[0] + o->alpha * ((other[i] - mean[1]) / deviation[1]));
}

/* The rank of the best own item of a query, whose own items are [own, own + owned). scores: scratch, k. */
static mask__rank new_rank(const mask__candidates *c, size_t q, const mask_rerank_options *o, size_t own, size_t owned,
                           float *scores)
{
    size_t n = remaining(c, q, o->top_k), owns = 0;
    const uint32_t *item = c->item + q * c->k;
    mask__rerank_combine(o, c->base + q * c->k, c->other + q * c->k, n, scores);
    for (size_t i = 0; i < n; i++) /* own candidates go to the front */
        if (item[i] - own < owned) {
            float score = scores[i];
            scores[i] = scores[owns];
            scores[owns++] = score;
        }
    return owns ? mask__rank_among(scores, n, 0, owns) : c->rank[q];
}

static mask_status take_options(const mask_reranking *r, mask_rerank_options *o, const mask_rerank_options *given,
                                mask_error *err)
{
    *o = mask_rerank_defaults();
    MASK__TRY(mask__options_take(MASK_OPTIONS_RERANK, o, given, err));
    if (o->top_k > r->top_k)
        return mask__fail(err, MASK_EINVAL, "top-k is %zu, but only %zu candidates were kept", o->top_k, r->top_k);
    if (o->top_k && !r->filled)
        return mask__fail(err, MASK_EINVAL, "re-ranking needs other scores: add a knowledge or a matrix");
    return MASK_OK;
}

/* Recall of one direction, averaged over folds. owned: own items of a query, 1 in texts (`per_query` texts share one).
 */
static void direction_recall(const mask_reranking *r, const mask__candidates *c, bool texts,
                             const mask_rerank_options *o, mask__rank *ranks, double *values, float *scratch,
                             mask_recall *out, double *shares)
{
    size_t fold = c->queries / r->folds;
#pragma omp parallel for schedule(static)
    for (size_t q = 0; q < c->queries; q++)
        ranks[q] = new_rank(c, q, o, texts ? q / OWN : q * OWN, texts ? 1 : OWN, scratch + q * c->k);
    for (size_t f = 0; f < r->folds; f++) {
        mask_recall m = mask__recall_of(ranks + f * fold, fold, NULL, 0, 0, values);
        mask__recall_average(out, &m, 1 / (double)r->folds);
    }
    mask__recall_share(shares, ranks, r->images, texts ? OWN : 1);
}

mask_status mask_rerank_recalls(mask_recalls *out, const mask_reranking *r, const mask_rerank_options *options,
                                const mask_run *run, mask_error *err)
{
    mask_rerank_options o;
    mask__arena work = {0};
    size_t scratch_size = r->texts * r->t2i.k > r->images * r->i2t.k ? r->texts * r->t2i.k : r->images * r->i2t.k;
    memset(out, 0, sizeof *out);
    MASK__TRY(take_options(r, &o, options, err));
    MASK__USE_THREADS(mask__threads(run));
    mask__rank *ranks = mask__arena_alloc(&work, r->texts, sizeof *ranks);
    double *values = mask__arena_alloc(&work, r->texts, sizeof *values);
    double *shares = mask__arena_alloc(&work, r->images, sizeof *shares);
    float *scratch = mask__arena_alloc(&work, scratch_size + 1, sizeof *scratch);
    bool enough = ranks && values && shares && scratch;
    if (enough) {
        direction_recall(r, &r->t2i, true, &o, ranks, values, scratch, &out->t2i, shares);
        direction_recall(r, &r->i2t, false, &o, ranks, values, scratch, &out->i2t, shares);
        mask__recall_finish(out, shares, r->images, run);
    }
    mask__arena_free(&work);
    return enough ? MASK_OK : mask__no_memory(err, "recalls");
}

/* ---- The matrix ---- */

static int by_value(const void *a, const void *b)
{
    const mask__ranked *x = a, *y = b;
    return (x->value < y->value) - (x->value > y->value);
}

/* Puts minus the number of better items at each item's place; equal values share it. `before` items are better than
 * all of these. */
static void number_items(mask__ranked *items, size_t n, size_t before, float *out)
{
    size_t better = 0;
    qsort(items, n, sizeof *items, by_value);
    for (size_t i = 0; i < n; i++) {
        if (i && items[i].value != items[i - 1].value) better = i;
        out[items[i].index] = -(float)(before + better);
    }
}

/* A query's whole list as numbers: candidates by their new scores, then the rest by the base (scores, in and out: n).
 * items: scratch, n; fresh: scratch, k. */
static void number_query(const mask__candidates *c, size_t q, const mask_rerank_options *o, size_t n, float *scores,
                         mask__ranked *items, float *fresh)
{
    size_t count = remaining(c, q, o->top_k), rest = count;
    const uint32_t *item = c->item + q * c->k;
    mask__rerank_combine(o, c->base + q * c->k, c->other + q * c->k, count, fresh);
    for (size_t i = 0; i < count; i++) items[i] = (mask__ranked){fresh[i], item[i]};
    float worst = count ? c->base[q * c->k + count - 1] : INFINITY; /* everything from here up is a candidate */
    for (size_t i = 0; i < n; i++)
        if (!(scores[i] >= worst)) items[rest++] = (mask__ranked){scores[i], (uint32_t)i};
    number_items(items, count, 0, scores);
    number_items(items + count, rest - count, count, scores);
}

typedef struct numbering {
    const mask_reranking *r;
    const mask_rerank_options *o;
    float *scores, *column, *fresh;
    mask__ranked *items;
} numbering;

static void number_queries(const numbering *w, const mask__candidates *c, size_t first, size_t count, size_t n)
{
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t q = 0; q < count; q++)
        number_query(c, first + q, w->o, n, w->scores + q * n, w->items + q * n, w->fresh + q * c->k);
}

static mask_status save_images(const numbering *w, mask__npy_writer *writer, const mask_run *run, mask_error *err)
{
    const mask_reranking *r = w->r;
    for (size_t i = 0; i < r->images; i += ROWS) {
        size_t count = mask__least(ROWS, r->images - i);
        MASK__TRY(mask__progress(run, "re-ranked texts", "images", i, r->images, err));
        MASK__TRY(mask__sims_rows(&r->base, i, count, w->scores, err));
        number_queries(w, &r->i2t, i, count, r->texts);
        MASK__TRY(mask__npy_append(writer, w->scores, count * r->texts, err));
    }
    return MASK_OK;
}

/* Texts are columns of the file: zeros first, then each tile in its place. */
static mask_status save_texts(const numbering *w, mask__npy_writer *writer, const mask_run *run, mask_error *err)
{
    const mask_reranking *r = w->r;
    memset(w->scores, 0, r->texts * sizeof *w->scores);
    for (size_t i = 0; i < r->images; i++) MASK__TRY(mask__npy_append(writer, w->scores, r->texts, err));
    for (size_t t0 = 0; t0 < r->texts; t0 += ROWS * OWN) {
        size_t count = mask__least(ROWS * OWN, r->texts - t0);
        MASK__TRY(mask__progress(run, "re-ranked images", "texts", t0, r->texts, err));
        read_tile(&r->base, t0, count, w->column, w->scores);
        number_queries(w, &r->t2i, t0, count, r->images);
        for (size_t i = 0; i < r->images; i++) {
            for (size_t t = 0; t < count; t++) w->column[t] = w->scores[t * r->images + i];
            MASK__TRY(mask__writer_patch(&writer->file, writer->header_bytes + (i * r->texts + t0) * sizeof(float),
                                         w->column, count * sizeof *w->column, err));
        }
    }
    return MASK_OK;
}

mask_status mask_rerank_save(const mask_reranking *r, const mask_rerank_options *options, bool text_to_image,
                             const char *path, const mask_run *run, mask_error *err)
{
    mask_rerank_options o;
    mask__arena work = {0};
    mask__npy_writer writer;
    size_t values = ROWS * r->texts; /* ROWS images with all texts, or ROWS * OWN texts with all images */
    MASK__TRY(take_options(r, &o, options, err));
    if (r->folds > 1)
        return mask__fail(err, MASK_EINVAL, "%s: a matrix of folds is not one ranking: save without folds", path);
    MASK__USE_THREADS(mask__threads(run));
    numbering w = {.r = r,
                   .o = &o,
                   .scores = mask__arena_alloc(&work, values, sizeof(float)),
                   .column = mask__arena_alloc(&work, ROWS * OWN, sizeof(float)),
                   .fresh = mask__arena_alloc(&work, ROWS * OWN * (r->i2t.k + 1), sizeof(float)),
                   .items = mask__arena_alloc(&work, values, sizeof(mask__ranked))};
    mask_status status =
        w.scores && w.column && w.fresh && w.items ? MASK_OK : mask__no_memory(err, "a re-ranked matrix");
    if (status == MASK_OK)
        status = mask__npy_create(&writer, path, MASK__NPY_F32, 2, (size_t[]){r->images, r->texts}, err);
    if (status == MASK_OK) {
        status = text_to_image ? save_texts(&w, &writer, run, err) : save_images(&w, &writer, run, err);
        if (status == MASK_OK) status = mask__npy_commit(&writer, err);
        else mask__npy_abort(&writer);
    }
    mask__arena_free(&work);
    return status;
}
