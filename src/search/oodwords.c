/* Certain bounds for words without a prototype. v = sum_q s_q v_q / n, n = |sum_q s_q v_q| (Eq. 13), s_q >= 0, and A,
 * the mean of the largest cosines, is a maximum of linear functions of v: convex and positively homogeneous. So A_v(i)
 * <= sum_q (s_q |v_q| / n) A_q(i), from the known words' 8-bit columns; the mean over regions is linear, which makes it
 * an equation. Nothing but -1 bounds A_v from below, and nothing but 1 from above where the prototype is no such sum
 * (Procrustes): then searches compute more images exactly. G and H are dot products with 8-bit vectors. */
#include "search/oodwords.h"
#include "search/clickhouse.h"
#include "base/memory.h"
#include "search/scan.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A lexicon that holds this one term, for functions that value all terms of a lexicon. */
static mask_status lexicon_of_one(mask__lexicon *one, const mask__lexicon *lexicon, uint32_t term, mask__term *copy,
                                  mask_error *err)
{
    size_t length, n = lexicon->knowledge->info.vector_dim;
    const char *name = mask__strings_get(&lexicon->names, term, &length);
    uint32_t index;
    *copy = (mask__term){.known = MASK__NOT_FOUND, .base = MASK__NO_TERM, .modifier = MASK__NO_TERM};
    *one = (mask__lexicon){.knowledge = lexicon->knowledge,
                           .vectors = lexicon->vectors,
                           .terms = copy,
                           .ood_vectors = lexicon->ood_vectors + lexicon->terms[term].vector * n,
                           .ood_count = 1};
    return mask__strings_intern(&one->names, name, length, &index, NULL, err);
}

/* The calibration has the OOD words of T; and segments that it made have their columns. */
static void find_place(mask__ood_word *word, const mask__view *view)
{
    const mask__calibration *c = view->calibration;
    uint32_t at = mask__strings_find(&c->knowledge->background.words, word->name, word->length);
    word->place = word->column = at == MASK__NOT_FOUND ? MASK__NO_TERM : c->background_terms[at];
    if (view->remote && word->column >= view->remote->state.terms) word->column = MASK__NO_TERM;
    for (size_t s = 0; s < view->snapshot.segment_count; s++)
        if (word->column >= view->segments[s].terms) word->column = MASK__NO_TERM;
}

/* One of the calibration's terms: the others' arrays follow those of the known words. */
static mask__scored_terms scored_at(const mask__calibration *c, uint32_t term)
{
    const mask__scored_terms *all = &c->known;
    return (mask__scored_terms){.count = 1,
                                .prototypes = all->prototypes + term * c->z,
                                .scenes = all->scenes ? all->scenes + term * c->z : NULL,
                                .pooled = all->pooled + term,
                                .whole = all->whole ? all->whole + term : NULL,
                                .scene = all->scene ? all->scene + term : NULL,
                                .over_b = all->over_b ? all->over_b + term * c->background : NULL};
}

static mask_status value_word(mask__ood_word *word, const mask__view *view, const mask__lexicon *one, mask_error *err)
{
    const mask_knowledge *k = view->knowledge;
    const mask_match_options *o = &view->options;
    size_t z = k->info.dim;
    float reliability;
    mask__term_values values = {.prototypes = mask__arena_alloc(&word->arena, z, sizeof(float)),
                                .scenes = o->scene > 0 ? mask__arena_alloc(&word->arena, z, sizeof(float)) : NULL,
                                .weights = &word->weight,
                                .reliability = &reliability};
    double *sum = mask__arena_alloc(&word->arena, z, sizeof *sum);
    if (!values.prototypes || (o->scene > 0 && !values.scenes) || !sum) return mask__no_memory(err, "a word");
    MASK__TRY(mask__lexicon_neighbours(one, o, &word->neighbours, err));
    MASK__TRY(mask__lexicon_values_from(one, o, &word->neighbours, &values, err));
    if (word->place != MASK__NO_TERM) word->scored = scored_at(view->calibration, word->place);
    else MASK__TRY(mask__calibration_terms(view->calibration, &values, 1, &word->scored, &word->arena, err));
    for (size_t q = 0; q < word->neighbours.m; q++) {
        mask__ranked item = word->neighbours.items[q];
        for (size_t d = 0; d < z; d++) sum[d] += (double)item.value * (double)k->prototypes[item.index * z + d];
    }
    for (size_t d = 0; d < z; d++) word->norm += sum[d] * sum[d];
    word->norm = sqrt(word->norm);
    return MASK_OK;
}

mask_status mask__ood_word_make(mask__ood_word **out, const mask__view *view, const mask__lexicon *lexicon,
                                uint32_t term, mask_error *err)
{
    mask__lexicon one;
    mask__term copy;
    mask__ood_word *word = calloc(1, sizeof *word);
    *out = NULL;
    if (!word) return mask__no_memory(err, "a word");
    if (pthread_rwlock_init(&word->lock, NULL) != 0) {
        free(word);
        return mask__no_memory(err, "a word");
    }
    mask_status status = lexicon_of_one(&one, lexicon, term, &copy, err);
    if (status == MASK_OK) {
        const char *name = mask__strings_get(&one.names, 0, &word->length);
        word->name = mask__arena_text(&word->arena, name, word->length);
        if (word->name) find_place(word, view);
        status = word->name ? value_word(word, view, &one, err) : mask__no_memory(err, "a word");
    }
    mask__strings_free(&one.names);
    if (status == MASK_OK) *out = word;
    else mask__ood_word_free(word);
    return status;
}

void mask__ood_word_free(mask__ood_word *word)
{
    if (!word) return;
    pthread_rwlock_destroy(&word->lock);
    mask__neighbours_free(&word->neighbours);
    mask__arena_free(&word->arena);
    free(word);
}

/* What the blocks of one segment share. */
typedef struct filling {
    const mask__view *view;
    const mask__segment *segment;
    const mask__ood_word *word;
    mask__ood_shares pooled;
    mask__scan_vector whole, scene;
} filling;

/* A block's bounds of A_v. */
static void pooled_bounds(const filling *f, size_t block, float *high, float *low)
{
    const mask__segment *s = f->segment;
    const mask__ranked *items = f->word->neighbours.items;
    size_t m = f->word->neighbours.m, stride = mask__segment_stride(s);
    double middle = 0, radius = f->pooled.off;
    float sums[MASK__BLOCK] = {0};
    mask__scan_column columns[MASK__SCAN_COLUMNS];
    size_t ready = 0;
    for (size_t q = 0; f->pooled.convex && q < m; q++) {
        mask__steps step = s->pooled_steps[items[q].index * s->blocks + block];
        columns[ready++] = (mask__scan_column){s->pooled_codes + items[q].index * stride + block * MASK__BLOCK,
                                               f->pooled.shares[q] * step.step};
        middle += f->pooled.shares[q] * step.low;
        radius += f->pooled.shares[q] * (0.5 * step.step + s->pooled_slack);
        if (ready < MASK__SCAN_COLUMNS && q + 1 < m) continue;
        radius += mask__scan_add(columns, ready, sums);
        ready = 0;
    }
    float up = f->pooled.convex ? (float)(middle + radius) : 2, down = (float)(middle - radius);
    for (size_t i = 0; i < MASK__BLOCK; i++) {
        float bound = sums[i] + up;
        high[i] = bound < MASK__MOST_COSINE ? bound : MASK__MOST_COSINE;
        low[i] = f->pooled.linear ? sums[i] + down : -MASK__MOST_COSINE;
    }
}

/* Adds the bounds of scale (x . v - mean). Scales are never negative: a reliability, a weight, 1 / a deviation. */
static void add_dots(const mask__scan_vector *v, const int8_t *codes, const float *steps, mask__affine a, size_t count,
                     float *high, float *low)
{
    float dots[MASK__BLOCK], errors[MASK__BLOCK];
    mask__scan_dots(v, codes, steps, count, dots, errors);
    for (size_t i = 0; i < count; i++) {
        high[i] += (dots[i] + errors[i] - a.mean) * a.scale;
        low[i] += (dots[i] - errors[i] - a.mean) * a.scale;
    }
}

static double size_of(const mask__affine *a)
{
    return a ? fabs((double)a->scale) * (3 + fabs((double)a->mean)) : 0;
}

static void fill_block(const filling *f, size_t block, mask__bounds *out)
{
    const mask__segment *s = f->segment;
    const mask__scored_terms *t = &f->word->scored;
    size_t first = block * MASK__BLOCK, z = s->z;
    size_t count = s->images - first < MASK__BLOCK ? s->images - first : MASK__BLOCK;
    float *high = out->high + first, *low = out->low + first;
    float margin = (float)f->pooled.margin;
    pooled_bounds(f, block, high, low);
    for (size_t i = 0; i < count; i++) {
        high[i] = (high[i] - t->pooled->mean) * t->pooled->scale;
        low[i] = (low[i] - t->pooled->mean) * t->pooled->scale;
    }
    if (f->whole.z)
        add_dots(&f->whole, s->whole_codes + first * z, s->whole_steps + first, *t->whole, count, high, low);
    if (f->scene.z)
        add_dots(&f->scene, s->scene_codes + first * z, s->scene_steps + first, *t->scene, count, high, low);
    for (size_t i = count; i < MASK__BLOCK; i++) high[i] = low[i] = 0;
    out->block_high[block] = -INFINITY;
    out->block_low[block] = INFINITY;
    for (size_t i = 0; i < count; i++) {
        high[i] += margin;
        low[i] -= margin;
        out->block_high[block] = fmaxf(out->block_high[block], high[i]);
        out->block_low[block] = fminf(out->block_low[block], low[i]);
    }
}

mask_status mask__ood_word_shares(const mask__ood_word *word, const mask__view *view, mask__ood_shares *out,
                                  mask__arena *arena, mask_error *err)
{
    const mask_knowledge *k = view->knowledge;
    size_t z = k->info.dim, m = word->neighbours.m;
    double sum = 0;
    *out = (mask__ood_shares){.shares = mask__arena_alloc(arena, m, sizeof *out->shares)};
    if (!out->shares) return mask__no_memory(err, "a word's columns");
    for (size_t q = 0; q < m; q++) {
        mask__ranked item = word->neighbours.items[q];
        const float *v = k->prototypes + item.index * z;
        double square = 0;
        for (size_t d = 0; d < z; d++) square += (double)v[d] * (double)v[d];
        out->shares[q] = (double)item.value * sqrt(square);
        sum += out->shares[q];
    }
    /* Where the sum all but vanishes, its direction is rounding. */
    out->convex = view->options.ood != MASK_OOD_PROCRUSTES && word->norm > 1e-3 * sum;
    out->linear = out->convex && view->options.pool == MASK_POOL_MEAN;
    for (size_t q = 0; out->convex && q < m; q++) out->shares[q] /= word->norm;
    out->sum = out->convex ? sum / word->norm : 0;
    /* Sums of m + 2 floats, none above 4 shares; and what exact cosines, computed in float, may be off by. */
    out->off = 4 * (double)(m + 8) * MASK__ROUNDING * (out->sum + 1) + (double)(z + 8) * MASK__ROUNDING;
    const mask__scored_terms *t = &word->scored;
    out->margin = 16 * MASK__ROUNDING * (size_of(t->pooled) + size_of(t->whole) + size_of(t->scene));
    return MASK_OK;
}

static mask_status prepare(filling *f, mask__arena *work, mask_error *err)
{
    const mask__ood_word *word = f->word;
    size_t z = f->view->knowledge->info.dim;
    int16_t *codes = mask__arena_alloc(work, 2 * z, sizeof *codes);
    if (!codes) return mask__no_memory(err, "a word's columns");
    MASK__TRY(mask__ood_word_shares(word, f->view, &f->pooled, work, err));
    if (word->scored.whole) f->whole = mask__scan_vector_of(word->scored.prototypes, z, codes);
    if (word->scored.scenes) f->scene = mask__scan_vector_of(word->scored.scenes, z, codes + z);
    return MASK_OK;
}

static mask_status make_columns(mask__ood_word *word, const mask__view *view, mask_error *err)
{
    size_t segments = view->snapshot.segment_count;
    mask__bounds *columns = mask__arena_alloc(&word->arena, segments, sizeof *columns);
    if (!columns) return mask__no_memory(err, "a word's columns");
    for (size_t s = 0; s < segments; s++) {
        size_t stride = mask__segment_stride(&view->segments[s]), blocks = view->segments[s].blocks;
        columns[s].high = mask__arena_alloc(&word->arena, stride, sizeof(float));
        columns[s].low = mask__arena_alloc(&word->arena, stride, sizeof(float));
        columns[s].block_high = mask__arena_alloc(&word->arena, blocks, sizeof(float));
        columns[s].block_low = mask__arena_alloc(&word->arena, blocks, sizeof(float));
        if (!columns[s].high || !columns[s].low || !columns[s].block_high || !columns[s].block_low)
            return mask__no_memory(err, "a word's columns");
    }
    word->columns = columns;
    return MASK_OK;
}

static mask_status fill(mask__ood_word *word, const mask__view *view, mask_error *err)
{
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    filling f = {.view = view, .word = word};
    MASK__TRY(prepare(&f, &work, err));
    MASK__TRY(make_columns(word, view, err));
    for (size_t s = 0; s < view->snapshot.segment_count; s++) {
        f.segment = &view->segments[s];
#pragma omp parallel for schedule(dynamic, 8) if (f.segment->blocks > 16)
        for (size_t b = 0; b < f.segment->blocks; b++) fill_block(&f, b, &word->columns[s]);
    }
    word->filled = true;
    return MASK_OK;
}

mask_status mask__ood_word_fill(mask__ood_word *word, const mask__view *view, mask_error *err)
{
    pthread_rwlock_rdlock(&word->lock);
    bool filled = word->filled;
    pthread_rwlock_unlock(&word->lock);
    if (filled) return MASK_OK;
    pthread_rwlock_wrlock(&word->lock);
    mask_status status = word->filled ? MASK_OK : fill(word, view, err);
    pthread_rwlock_unlock(&word->lock);
    return status;
}

void mask__ood_word_note(mask__ood_word *word, size_t segment, size_t image, float c)
{
    word->columns[segment].high[image] = word->columns[segment].low[image] = c;
}
