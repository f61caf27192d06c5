#include "match/scores.h"
#include "math/vector.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

mask_status mask__text_batch_open(mask__text_batch *b, const mask_knowledge *k, const mask_vectors *vectors,
                                  const mask_match_options *o, const char *const *texts, size_t count, mask_error *err)
{
    *b = (mask__text_batch){.knowledge = k, .options = *o};
    b->transductive = k->background.images == 0 && o->calibrate != MASK_CALIBRATE_NONE;
    MASK__TRY(mask__lexicon_open(&b->lexicon, k, o->ood == MASK_OOD_OFF ? NULL : vectors, err));
    if (o->adjective > 0) MASK__TRY(mask__modifiers_open(&b->lexicon.modifiers, o->modifiers, err));
    for (size_t t = 0; t < count; t++) MASK__TRY(mask__lexicon_add_text(&b->lexicon, texts[t], err));
    b->own = b->lexicon.names.count;
    return MASK_OK;
}

void mask__text_batch_close(mask__text_batch *b)
{
    mask__lexicon_close(&b->lexicon);
    mask__arena_free(&b->arena);
}

/* ---- Against a calibration ---- */

static void copy_affine(const mask__term_affines *to, size_t at, const mask__scored_terms *from, size_t which)
{
    to->pooled[at] = from->pooled[which];
    if (to->whole) to->whole[at] = from->whole[which];
    if (to->scene) to->scene[at] = from->scene[which];
}

/* Rows of `from` (Z floats each), in `arena`; `from` itself where they are all of them. */
static const float *take_rows(const float *from, const uint32_t *which, size_t count, size_t all, size_t z,
                              mask__arena *arena)
{
    float *rows = count < all ? mask__arena_matrix(arena, count, z, sizeof *rows) : NULL;
    for (size_t i = 0; rows && i < count; i++) memcpy(rows + i * z, from + which[i] * z, z * sizeof *rows);
    return count < all ? rows : from;
}

mask_status mask__image_terms_make(mask__image_terms *out, const mask__calibration *c, mask_error *err)
{
    const mask__text_list *t = &c->texts;
    size_t all = c->known.count + c->others.count, occurrences = t->count ? t->at[t->count] : 0;
    *out = (mask__image_terms){.calibration = c};
    uint32_t *rows = out->rows = mask__arena_matrix(&out->arena, all, 1, sizeof *rows);
    uint32_t *which = mask__arena_matrix(&out->arena, all, 1, sizeof *which);
    uint32_t *terms = mask__arena_matrix(&out->arena, occurrences, 1, sizeof *terms);
    if (!rows || !which || !terms) return mask__no_memory(err, "the background's texts");
    memset(rows, 0xff, all * sizeof *rows); /* MASK__NO_TERM */
    for (size_t p = 0; p < occurrences; p++) rows[t->terms[p]] = 0;
    for (size_t w = 0; w < all; w++)
        if (rows[w] == 0) {
            which[out->count] = (uint32_t)w;
            rows[w] = (uint32_t)out->count++;
        }
    for (size_t p = 0; p < occurrences; p++) terms[p] = rows[t->terms[p]];
    out->texts = (mask__text_list){t->count, t->at, terms, t->shares};
    out->prototypes = take_rows(c->known.prototypes, which, out->count, all, c->z, &out->arena);
    if (c->known.scenes) out->scenes = take_rows(c->known.scenes, which, out->count, all, c->z, &out->arena);
    if (!out->prototypes || (c->known.scenes && !out->scenes) ||
        !mask__affines_make(&out->affines, &c->options, out->count, &out->arena))
        return mask__no_memory(err, "the background's texts");
    for (size_t i = 0; i < out->count; i++) copy_affine(&out->affines, i, &c->known, which[i]);
    return MASK_OK;
}

void mask__image_terms_free(mask__image_terms *t)
{
    mask__arena_free(&t->arena);
    *t = (mask__image_terms){0};
}

/* The place of a term of the texts among the calibration's: known words, then the OOD words of T; MASK__NO_TERM where
 * it is neither, or a noun with a modifier. */
static uint32_t place_of(const mask__text_batch *b, const mask__calibration *c, size_t term)
{
    const mask__term *t = &b->lexicon.terms[term];
    size_t length;
    if (t->base != MASK__NO_TERM) return MASK__NO_TERM;
    if (t->known != MASK__NOT_FOUND) return t->known;
    const mask__strings *words = &c->knowledge->background.words;
    const char *name = mask__strings_get(&b->lexicon.names, term, &length);
    uint32_t at = mask__strings_find(words, name, length);
    return at == MASK__NOT_FOUND ? MASK__NO_TERM : c->background_terms[at];
}

/* The terms that T does not have follow its own: `which` of the texts', the first `unknown` of them without a place in
 * the calibration. Their affines; over_b of the unknown. */
static mask_status append_terms(mask__text_batch *b, const mask__image_terms *t, const uint32_t *which, size_t count,
                                size_t unknown, const uint32_t *places, const float **over_b, mask_error *err)
{
    const mask__calibration *c = t->calibration;
    mask__scored_terms scored;
    mask__term_values v = {.reliability = mask__arena_matrix(&b->arena, unknown, 1, sizeof *v.reliability),
                           .prototypes = mask__arena_matrix(&b->arena, count, c->z, sizeof *v.prototypes)};
    if (b->values.scenes) v.scenes = mask__arena_matrix(&b->arena, count, c->z, sizeof *v.scenes);
    if (!v.prototypes || (b->values.scenes && !v.scenes) || !v.reliability) return mask__no_memory(err, "texts");
    for (size_t i = 0; i < count; i++) {
        memcpy(v.prototypes + i * c->z, b->values.prototypes + which[i] * c->z, c->z * sizeof *v.prototypes);
        if (v.scenes) memcpy(v.scenes + i * c->z, b->values.scenes + which[i] * c->z, c->z * sizeof *v.scenes);
        if (i < unknown) v.reliability[i] = b->values.reliability[which[i]];
        b->row_of[which[i]] = (uint32_t)(t->count + i);
    }
    b->prototypes = (mask__word_rows){{t->prototypes, v.prototypes}, {t->count, count}};
    b->scenes = (mask__word_rows){{t->scenes, v.scenes}, {t->count, count}};
    if (unknown) MASK__TRY(mask__calibration_terms(c, &v, unknown, &scored, &b->arena, err));
    for (size_t i = 0; i < unknown; i++) {
        copy_affine(&b->affines, t->count + i, &scored, i);
        over_b[which[i]] = scored.over_b + i * c->background;
    }
    for (size_t i = unknown; i < count; i++) copy_affine(&b->affines, t->count + i, &c->known, places[which[i]]);
    return MASK_OK;
}

/* Rows, affines and c_w(b) of the texts' terms. */
static mask_status place_terms(mask__text_batch *b, const mask__image_terms *t, const float **over_b, mask_error *err)
{
    const mask__calibration *c = t->calibration;
    size_t unknown = 0, fresh;
    uint32_t *places = mask__arena_matrix(&b->arena, b->own, 1, sizeof *places);
    uint32_t *which = mask__arena_matrix(&b->arena, b->own, 1, sizeof *which);
    if (!places || !which) return mask__no_memory(err, "texts");
    for (size_t i = 0; i < b->own; i++)
        if ((places[i] = place_of(b, c, i)) == MASK__NO_TERM) which[unknown++] = (uint32_t)i;
    fresh = unknown;
    for (size_t i = 0; i < b->own; i++) {
        if (places[i] == MASK__NO_TERM) continue;
        over_b[i] = c->known.over_b + places[i] * c->background; /* the others' arrays follow */
        b->row_of[i] = t->rows[places[i]];
        if (b->row_of[i] == MASK__NO_TERM) which[fresh++] = (uint32_t)i;
    }
    b->rows = t->count + fresh;
    if (!mask__affines_make(&b->affines, &b->options, b->rows, &b->arena)) return mask__no_memory(err, "texts");
    memcpy(b->affines.pooled, t->affines.pooled, t->count * sizeof *b->affines.pooled);
    if (b->affines.whole) memcpy(b->affines.whole, t->affines.whole, t->count * sizeof *b->affines.whole);
    if (b->affines.scene) memcpy(b->affines.scene, t->affines.scene, t->count * sizeof *b->affines.scene);
    return append_terms(b, t, which, fresh, unknown, places, over_b, err);
}

/* S(t, .) over B by regions, which c_w(b) does not give. */
static mask_status means_by_regions(mask__text_batch *b, const float *const *over_b, float *means, const mask_run *run,
                                    mask_error *err)
{
    const mask__calibration *c = b->calibration;
    mask__regions set = mask__regions_of_background(b->knowledge);
    mask__affine *pooled = mask__arena_alloc(&b->arena, b->own, sizeof *pooled);
    if (!pooled) return mask__no_memory(err, "text statistics");
    for (size_t i = 0; i < b->own; i++) pooled[i] = b->affines.pooled[b->row_of[i]];
    mask__column_maker maker = {.knowledge = b->knowledge,
                                .options = &b->options,
                                .terms = b->own,
                                .prototypes = {{b->values.prototypes}, {b->own}},
                                .times = &b->times,
                                .run = run};
    const mask__text_list *l = &b->texts;
    for (size_t t = 0; t < l->count; t++)
        for (size_t p = l->at[t]; p < l->at[t + 1]; p++)
            mask__axpy(l->shares[p], over_b[l->terms[p]], means + t * c->background, c->background);
    mask__text_sums sums[2] = {{b->texts, means, c->background}};
    return mask__add_region_max(&maker, pooled, &set, sums, "background scores", err);
}

static mask_status text_statistics(mask__text_batch *b, const float *const *over_b, const mask_run *run,
                                   mask_error *err)
{
    const mask__calibration *c = b->calibration;
    const mask__text_list *l = &b->texts;
    bool by_regions = b->options.pool == MASK_POOL_REGION_MAX && b->options.calibrate >= MASK_CALIBRATE_TEXT;
    float *means = by_regions ? mask__arena_matrix(&b->arena, l->count, c->background, sizeof *means) : NULL;
    mask_status status = MASK_OK;
    if (by_regions && !means) return mask__no_memory(err, "text statistics");
    if (by_regions) MASK__TRY(means_by_regions(b, over_b, means, run, err));
#pragma omp parallel for schedule(dynamic, 64) if (l->count > 1)
    for (size_t t = 0; t < l->count; t++) {
        size_t first = l->at[t], words = l->at[t + 1] - first;
        const float **rows = malloc((words + 1) * sizeof *rows);
        float *weights = malloc((words + 1) * sizeof *weights), total = 0;
        bool enough = rows && weights;
        for (size_t p = 0; enough && p < words; p++) {
            rows[p] = over_b[l->terms[first + p]];
            total += weights[p] = b->values.weights[l->terms[first + p]];
        }
        if (enough && by_regions)
            enough =
                mask__calibration_text_over_b(c, means + t * c->background, total, &b->statistics[t], NULL) == MASK_OK;
        else if (enough) enough = mask__calibration_text(c, rows, weights, words, &b->statistics[t], NULL) == MASK_OK;
        if (!enough) {
#pragma omp atomic write
            status = MASK_ENOMEM;
        }
        free(rows);
        free(weights);
    }
    return status == MASK_OK ? MASK_OK : mask__no_memory(err, "text statistics");
}

/* The texts as lists of rows. */
static mask_status list_rows(mask__text_batch *b, mask_error *err)
{
    uint32_t *terms = mask__arena_matrix(&b->arena, b->lexicon.used, 1, sizeof *terms);
    if (!terms) return mask__no_memory(err, "texts");
    for (size_t p = 0; p < b->lexicon.used; p++) terms[p] = b->row_of[b->texts.terms[p]];
    b->texts_by_row = b->texts;
    b->texts_by_row.terms = terms;
    return MASK_OK;
}

/* Every term of the texts is a row, in their order. */
static mask_status place_uncalibrated(mask__text_batch *b, mask_error *err)
{
    b->rows = b->own;
    b->prototypes = (mask__word_rows){{b->values.prototypes}, {b->own}};
    b->scenes = (mask__word_rows){{b->values.scenes}, {b->own}};
    for (size_t i = 0; i < b->own; i++) b->row_of[i] = (uint32_t)i;
    if (!mask__affines_make(&b->affines, &b->options, b->own, &b->arena)) return mask__no_memory(err, "texts");
    mask__column_maker maker = {.options = &b->options, .terms = b->own, .reliability = b->values.reliability};
    mask__affines_find(&maker, &(mask__term_columns){0}, &b->affines); /* of the set at hand, later */
    return list_rows(b, err);
}

mask_status mask__text_batch_prepare(mask__text_batch *b, const mask__image_terms *t, const mask_run *run,
                                     mask_error *err)
{
    const mask__lexicon *l = &b->lexicon;
    float *shares = mask__arena_matrix(&b->arena, l->used, 1, sizeof *shares);
    const float **over_b = mask__arena_matrix(&b->arena, b->own, 1, sizeof *over_b);
    b->row_of = mask__arena_matrix(&b->arena, b->own, 1, sizeof *b->row_of);
    b->statistics = mask__arena_matrix(&b->arena, l->texts, 1, sizeof *b->statistics);
    if (!shares || !over_b || !b->row_of || !b->statistics) return mask__no_memory(err, "texts");
    MASK__TRY(mask__term_values_make(&b->values, l, &b->options, &b->arena, err));
    b->texts = (mask__text_list){l->texts, l->text_at, l->text_terms, shares};
    mask__find_shares(&b->texts, b->values.weights, shares);
    for (size_t i = 0; i < l->texts; i++) b->statistics[i] = (mask__text_statistics){.deviation = 1, .share = 1};
    if (!t || b->options.calibrate == MASK_CALIBRATE_NONE) return place_uncalibrated(b, err);
    b->calibration = t->calibration;
    b->t = t->texts;
    MASK__TRY(place_terms(b, t, over_b, err));
    MASK__TRY(list_rows(b, err));
    return text_statistics(b, over_b, run, err);
}

/* ---- Of the set at hand ---- */

static float weight_of(const mask__text_batch *b, size_t t)
{
    float sum = 0;
    for (size_t p = b->texts.at[t]; p < b->texts.at[t + 1]; p++) sum += b->values.weights[b->texts.terms[p]];
    return sum;
}

/* From S of all texts with all images (texts x count) to z, in place, and what is subtracted and divided by. */
static mask_status statistics_at_hand(mask__text_batch *b, float *z, size_t count, float *hub, float *deviation,
                                      mask_error *err)
{
    const mask_match_options *o = &b->options;
    size_t texts = b->texts.count;
    double mean_scale = 0, reference;
    mask__ranked *scratch = mask__arena_matrix(&b->arena, (size_t)o->hub_neighbours + 1, 1, sizeof *scratch);
    if (!scratch) return mask__no_memory(err, "text statistics");
    for (size_t t = 0; t < texts; t++) mean_scale += mask__text_scale(weight_of(b, t), o->text_power) / (double)texts;
    for (size_t t = 0; t < texts; t++) {
        float *row = z + t * count;
        mask__affine a = mask__text_affine(row, count, mask__text_scale(weight_of(b, t), o->text_power) / mean_scale);
        for (size_t i = 0; i < count; i++) row[i] = (row[i] - a.mean) / a.scale;
        b->statistics[t] = (mask__text_statistics){a.mean, a.scale, mask__hub_share(weight_of(b, t), o), 0};
        if (o->calibrate == MASK_CALIBRATE_FULL)
            b->statistics[t].hub = o->hub_text * (float)mask__hubness(row, count, (size_t)o->hub_neighbours,
                                                                      o->hub_text_sharpness, scratch);
    }
    if (o->calibrate < MASK_CALIBRATE_FULL) return MASK_OK;
    MASK__TRY(mask__reference_deviation(z, texts, count, o, &reference, err));
    MASK__TRY(mask__image_statistics(z, texts, count, o, reference, deviation, hub, err));
    float mean_hub = (float)mask__mean_hub(hub, count, o);
    for (size_t t = 0; t < texts; t++) b->statistics[t].hub += (1 - b->statistics[t].share) * mean_hub;
    for (size_t i = 0; i < count; i++) hub[i] *= o->hub_image;
    return MASK_OK;
}

/* ---- Images ---- */

/* What one block of images takes. */
typedef struct block {
    mask__text_batch *batch;
    const mask__regions *regions;
    mask__column_maker maker;
    float *columns;         /* rows x images */
    float *hub, *deviation; /* images */
    mask__arena work;
} block;

static mask_status make_columns(block *k, mask_error *err)
{
    mask__text_batch *b = k->batch;
    mask__term_columns set = {0};
    bool none = b->options.calibrate == MASK_CALIBRATE_NONE;
    float *centre = mask__arena_matrix(&k->work, b->knowledge->info.dim, 1, sizeof *centre);
    if (!centre) return mask__no_memory(err, "columns");
    if (!none && !b->transductive)
        memcpy(centre, b->calibration->scene_centre, b->knowledge->info.dim * sizeof *centre);
    MASK__TRY(mask__term_columns_make(&k->maker, k->regions, k->columns, centre, none || b->transductive, &set,
                                      "columns", err));
    if (b->transductive) mask__affines_find(&k->maker, &set, &b->affines);
    mask__combine_columns(&k->maker, &b->affines, &set);
    return MASK_OK;
}

static mask_status find_statistics(block *k, float *scores, float *t_scores, mask_error *err)
{
    mask__text_batch *b = k->batch;
    size_t count = k->regions->count;
    for (size_t i = 0; i < count; i++) k->deviation[i] = 1;
    if (b->options.calibrate < MASK_CALIBRATE_TEXT) return MASK_OK;
    if (b->transductive) return statistics_at_hand(b, scores, count, k->hub, k->deviation, err);
    return mask__calibration_image_statistics(b->calibration, t_scores, count, k->hub, k->deviation, err);
}

static mask_status score_block(block *k, float *scores, size_t stride, mask_error *err)
{
    mask__text_batch *b = k->batch;
    size_t count = k->regions->count;
    float *t_scores = mask__arena_matrix(&k->work, b->t.count, count, sizeof *t_scores);
    if (!t_scores) return mask__no_memory(err, "scores");
    MASK__TRY(make_columns(k, err));
    mask__text_means(&b->texts_by_row, k->columns, count, scores, stride);
    mask__text_means(&b->t, k->columns, count, t_scores, count);
    mask__text_sums sums[2] = {{b->texts_by_row, scores, stride}, {b->t, t_scores, count}};
    MASK__TRY(mask__add_region_max(&k->maker, b->affines.pooled, k->regions, sums, "scores", err));
    MASK__TRY(find_statistics(k, scores, t_scores, err));
#pragma omp parallel for schedule(static) if (b->texts.count > 1)
    for (size_t t = 0; t < b->texts.count; t++) {
        mask__text_statistics s = b->statistics[t];
        float *row = scores + t * stride;
        if (b->transductive) s = (mask__text_statistics){0, 1, s.share, s.hub}; /* z already */
        for (size_t i = 0; i < count; i++)
            row[i] = (row[i] - s.mean) / s.deviation / k->deviation[i] - (s.share * k->hub[i] + s.hub);
    }
    return MASK_OK;
}

mask_status mask__text_batch_score(mask__text_batch *b, const mask__regions *regions, int whole_region, float *scores,
                                   size_t stride, mask__block_trace *trace, const mask_run *run, mask_error *err)
{
    block k = {.batch = b, .regions = regions};
    size_t count = regions->count;
    k.maker = (mask__column_maker){.knowledge = b->knowledge,
                                   .options = &b->options,
                                   .whole_region = whole_region,
                                   .terms = b->rows,
                                   .prototypes = b->prototypes,
                                   .scenes = b->scenes,
                                   .reliability = b->values.reliability,
                                   .arena = &k.work,
                                   .times = &b->times,
                                   .run = run};
    k.columns = mask__arena_matrix(&k.work, b->rows, count, sizeof *k.columns);
    k.hub = mask__arena_matrix(&k.work, count, 1, sizeof *k.hub);
    k.deviation = mask__arena_matrix(&k.work, count, 1, sizeof *k.deviation);
    mask_status status = k.columns && k.hub && k.deviation ? MASK_OK : mask__no_memory(err, "columns");
    if (status == MASK_OK) status = score_block(&k, scores, stride, err);
    if (status == MASK_OK && trace) {
        *trace = (mask__block_trace){mask__arena_matrix(&b->arena, b->own, count, sizeof(float)),
                                     mask__arena_matrix(&b->arena, count, 1, sizeof(float)),
                                     mask__arena_matrix(&b->arena, count, 1, sizeof(float))};
        if (trace->c && trace->hub && trace->deviation) {
            for (size_t i = 0; i < b->own; i++)
                memcpy(trace->c + i * count, k.columns + b->row_of[i] * count, count * sizeof(float));
            memcpy(trace->hub, k.hub, count * sizeof(float));
            memcpy(trace->deviation, k.deviation, count * sizeof(float));
        } else {
            status = mask__no_memory(err, "an explanation");
        }
    }
    mask__arena_free(&k.work);
    return status;
}

/* A text without a usable word says nothing of any image: it scores as low as the lowest score of the others. */
void mask__text_batch_sink(const mask__text_batch *b, float *scores, size_t count)
{
    float lowest = FLT_MAX;
    for (size_t t = 0; t < b->texts.count; t++)
        for (size_t i = 0; mask__text_usable(b, t) && i < count; i++)
            if (scores[t * count + i] < lowest) lowest = scores[t * count + i];
    for (size_t t = 0; t < b->texts.count; t++)
        for (size_t i = 0; !mask__text_usable(b, t) && i < count; i++)
            scores[t * count + i] = lowest < FLT_MAX ? lowest : 0;
}
