#include "match/calibration.h"
#include "base/options.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SOME_REGIONS = 64 };

/* ---- Opening ---- */

mask_status mask__match_check(const mask_match_options *o, const mask_knowledge *k, mask_error *err)
{
    mask_match_options checked;
    MASK__TRY(mask__options_take(MASK_OPTIONS_MATCH, &checked, o, err));
    if (o->hub_neighbours == 0 && o->calibrate == MASK_CALIBRATE_FULL &&
        !(o->hub_image_sharpness > 0 && o->hub_text_sharpness > 0))
        return mask__fail(err, MASK_EINVAL, "hubness needs at least 1 neighbour, or sharpness above 0");
    if (o->scene > 0 && !k->scene_prototypes)
        return mask__fail(err, MASK_EINVAL,
                          "the knowledge was learned without scenes: match without, or learn it again with them");
    return MASK_OK;
}

mask_status mask__calibration_check(const mask_knowledge *k, const mask_match_options *o, int whole_region,
                                    mask_error *err)
{
    MASK__TRY(mask__match_check(o, k, err));
    if (whole_region < MASK_WHOLE_MEAN)
        return mask__fail(err, MASK_EINVAL, "the whole image's region must be known: an index, or `mean`");
    if (o->calibrate != MASK_CALIBRATE_NONE && !k->background.images)
        return mask__fail(err, MASK_EINVAL,
                          "the knowledge has no background, and a gallery's scores must not depend on its images: "
                          "calibrate it first, or match without calibration");
    return MASK_OK;
}

/* What opening needs besides what stays. */
typedef struct opening {
    mask__calibration *c;
    mask__lexicon lexicon; /* the known words, then the OOD words of T */
    mask__term_values values;
    size_t terms;
    mask__arena work;
    const mask_run *run;
} opening;

static mask_status value_terms(opening *o, mask_error *err)
{
    mask__calibration *c = o->c;
    const mask_match_options *options = &c->options;
    MASK__TRY(mask__lexicon_open(&o->lexicon, c->knowledge, NULL, err));
    MASK__TRY(mask__lexicon_add_known(&o->lexicon, err));
    if (options->calibrate >= MASK_CALIBRATE_TEXT)
        MASK__TRY(mask__lexicon_add_background(&o->lexicon, options->ood != MASK_OOD_OFF, err));
    size_t count = o->lexicon.names.count;
    o->terms = options->calibrate == MASK_CALIBRATE_FULL ? count : c->known.count;
    c->others.count = o->terms - c->known.count;
    return mask__term_values_make(&o->values, &o->lexicon, options, &c->arena, err);
}

static mask_status invert_norms(mask__calibration *c, mask_error *err)
{
    const mask__background *b = &c->knowledge->background;
    size_t rows = c->background ? b->image_rows[b->images] : 0;
    float *inverse = mask__arena_matrix(&c->arena, rows, 1, sizeof *inverse);
    if (!inverse) return mask__no_memory(err, "the background");
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float norm = mask__norm(b->mu + r * c->z, c->z);
        inverse[r] = norm > 0 ? 1 / norm : 0;
    }
    c->b_inverse_norms = inverse;
    return MASK_OK;
}

static mask__column_maker maker_of(const mask__calibration *c, const mask__term_values *values, size_t terms,
                                   mask__column_times *times, mask__arena *work, const mask_run *run)
{
    return (mask__column_maker){.knowledge = c->knowledge,
                                .options = &c->options,
                                .whole_region = c->options.whole_region,
                                .terms = terms,
                                .prototypes = {{values->prototypes}, {terms}},
                                .scenes = {{values->scenes}, {terms}},
                                .reliability = values->reliability,
                                .arena = work,
                                .times = times,
                                .run = run};
}

static mask__regions background_of(const mask__calibration *c)
{
    mask__regions set = mask__regions_of_background(c->knowledge);
    set.inverse_norms = c->b_inverse_norms;
    return set;
}

/* Affines and c_w(b) of terms, in `arena`. b may bring B's whole-image and scene vectors; else they are found, and
 * written to centre (Z). What is in `work` must live as long as b's vectors are needed. */
static mask_status score_terms(const mask__calibration *c, const mask__term_values *values, size_t count,
                               mask__term_columns *b, float *centre, mask__scored_terms *out, mask__arena *arena,
                               mask__arena *work, const mask_run *run, mask_error *err)
{
    mask__column_times times = {0};
    mask__column_maker maker = maker_of(c, values, count, &times, work, run);
    mask__term_affines affines;
    float *over_b = c->background ? mask__arena_matrix(arena, count, c->background, sizeof *over_b) : NULL;
    if (!mask__affines_make(&affines, &c->options, count, arena)) return mask__no_memory(err, "columns");
    if (c->background) {
        mask__regions set = background_of(c);
        MASK__TRY(mask__term_columns_make(&maker, &set, over_b, centre, true, b, "background columns", err));
    } else if (c->options.scene > 0 && centre) {
        mask__scene_centre(&maker, b, centre);
    }
    mask__affines_find(&maker, b, &affines);
    if (c->background) mask__combine_columns(&maker, &affines, b);
    *out = (mask__scored_terms){.count = count,
                                .prototypes = values->prototypes,
                                .scenes = values->scenes,
                                .pooled = affines.pooled,
                                .whole = affines.whole,
                                .scene = affines.scene,
                                .over_b = over_b};
    return MASK_OK;
}

mask_status mask__calibration_terms(const mask__calibration *c, const mask__term_values *values, size_t count,
                                    mask__scored_terms *out, mask__arena *arena, mask_error *err)
{
    mask__arena work = {0};
    mask__term_columns b = {.unit_whole = c->b_whole, .unit_scenes = c->b_scenes};
    mask_status status = score_terms(c, values, count, &b, NULL, out, arena, &work, NULL, err);
    mask__arena_free(&work);
    return status;
}

static mask_status keep_rows(mask__calibration *c, const float *from, const float **to, mask_error *err)
{
    if (!from) return MASK_OK;
    float *copy = mask__arena_matrix(&c->arena, c->background, c->z, sizeof *copy);
    if (!copy) return mask__no_memory(err, "the background");
    memcpy(copy, from, c->background * c->z * sizeof *copy);
    *to = copy;
    return MASK_OK;
}

static mask_status word_columns(opening *o, mask_error *err)
{
    mask__calibration *c = o->c;
    mask__term_columns b = {0};
    mask__scored_terms all;
    float *centre = mask__arena_matrix(&c->arena, c->z, 1, sizeof *centre);
    if (!centre) return mask__no_memory(err, "columns");
    MASK__TRY(invert_norms(c, err));
    MASK__TRY(score_terms(c, &o->values, o->terms, &b, centre, &all, &c->arena, &o->work, o->run, err));
    c->scene_centre = centre;
    MASK__TRY(keep_rows(c, b.unit_whole, &c->b_whole, err));
    MASK__TRY(keep_rows(c, b.unit_scenes, &c->b_scenes, err));
    return mask__calibration_place(c, all, err);
}

/* T as terms and shares of a text; f(t) of each in scales. */
static mask_status keep_texts(opening *o, double *scales, mask_error *err)
{
    mask__calibration *c = o->c;
    const mask__lexicon *l = &o->lexicon;
    uint64_t *at = mask__arena_matrix(&c->arena, l->texts + 1, 1, sizeof *at);
    uint32_t *terms = mask__arena_matrix(&c->arena, l->used, 1, sizeof *terms);
    float *shares = mask__arena_matrix(&c->arena, l->used, 1, sizeof *shares);
    if (!at || !terms || !shares) return mask__no_memory(err, "text statistics");
    memcpy(at, l->text_at, (l->texts + 1) * sizeof *at);
    if (l->used) memcpy(terms, l->text_terms, l->used * sizeof *terms);
    c->texts = (mask__text_list){l->texts, at, terms, shares};
    mask__find_shares(&c->texts, o->values.weights, shares);
    for (size_t t = 0; t < l->texts; t++) {
        float total = 0;
        for (size_t p = at[t]; p < at[t + 1]; p++) total += o->values.weights[terms[p]];
        scales[t] = mask__text_scale(total, c->options.text_power);
        c->mean_scale += scales[t] / (double)l->texts;
    }
    return MASK_OK;
}

static void standardise(const mask__calibration *c, float *scores, size_t count)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < c->texts.count; t++)
        for (size_t i = 0; i < count; i++)
            scores[t * count + i] = (scores[t * count + i] - c->text_mean[t]) / c->text_deviation[t];
}

static mask_status text_columns(opening *o, mask_error *err)
{
    mask__calibration *c = o->c;
    size_t texts = o->lexicon.texts, b = c->background;
    double *scales = mask__arena_matrix(&o->work, texts, 1, sizeof *scales);
    if (!scales) return mask__no_memory(err, "text statistics");
    MASK__TRY(keep_texts(o, scales, err));
    if (c->options.calibrate < MASK_CALIBRATE_FULL) {
        c->texts = (mask__text_list){0}; /* only the mean of f(t) is needed */
        return MASK_OK;
    }
    float *means = mask__arena_matrix(&c->arena, texts, 1, sizeof *means),
          *deviations = mask__arena_matrix(&c->arena, texts, 1, sizeof *deviations);
    float *z = mask__arena_matrix(&o->work, texts, b, sizeof *z);
    if (!means || !deviations || !z) return mask__no_memory(err, "text statistics");
    mask__text_means(&c->texts, c->known.over_b, b, z, b);
    mask__column_times times = {0};
    mask__column_maker maker = maker_of(c, &o->values, o->terms, &times, &o->work, o->run);
    mask__regions set = background_of(c);
    mask__text_sums sums[2] = {{c->texts, z, b}};
    MASK__TRY(mask__add_region_max(&maker, c->known.pooled, &set, sums, "background scores", err));
    for (size_t t = 0; t < texts; t++) {
        mask__affine a = mask__text_affine(z + t * b, b, scales[t] / c->mean_scale);
        means[t] = a.mean;
        deviations[t] = a.scale;
    }
    c->text_mean = means;
    c->text_deviation = deviations;
    standardise(c, z, b);
    MASK__TRY(mask__reference_deviation(z, texts, b, &c->options, &c->reference_deviation, err));
    float *hub = mask__arena_matrix(&o->work, b, 2, sizeof *hub);
    if (!hub) return mask__no_memory(err, "hubness");
    if (!(c->options.hub_words > 0) && !(c->options.confidence > 0)) return MASK_OK;
    MASK__TRY(mask__image_statistics(z, texts, b, &c->options, c->reference_deviation, hub + b, hub, err));
    c->mean_hub = mask__mean_hub(hub, b, &c->options);
    return MASK_OK;
}

/* The OOD words of T follow the known ones in the order of the background's words. */
static mask_status name_terms(mask__calibration *c, mask_error *err)
{
    const mask__strings *words = &c->knowledge->background.words;
    uint32_t *terms = mask__arena_matrix(&c->arena, words->count, 1, sizeof *terms), next = (uint32_t)c->known.count;
    if (!terms) return mask__no_memory(err, "the background's words");
    for (size_t i = 0; i < words->count; i++) {
        size_t length;
        const char *word = mask__strings_get(words, i, &length);
        terms[i] = mask__strings_find(&c->knowledge->words, word, length);
        if (terms[i] == MASK__NOT_FOUND) terms[i] = c->others.count ? next++ : MASK__NO_TERM;
    }
    c->background_terms = terms;
    return MASK_OK;
}

mask_status mask__calibration_place(mask__calibration *c, mask__scored_terms all, mask_error *err)
{
    size_t known = c->known.count, others = c->others.count;
    c->known = all;
    c->known.count = known;
    c->others = (mask__scored_terms){.count = others, .prototypes = all.prototypes + known * c->z};
    if (all.scenes) c->others.scenes = all.scenes + known * c->z;
    if (all.pooled) c->others.pooled = all.pooled + known;
    if (all.whole) c->others.whole = all.whole + known;
    if (all.scene) c->others.scene = all.scene + known;
    if (all.over_b) c->others.over_b = all.over_b + known * c->background;
    return name_terms(c, err);
}

mask_status mask__calibration_open(mask__calibration *out, const mask_knowledge *k, const mask_match_options *options,
                                   int whole_region, const mask_run *run, mask_error *err)
{
    *out = (mask__calibration){0};
    MASK__TRY(mask__calibration_check(k, options, whole_region, err));
    *out =
        (mask__calibration){.knowledge = k, .options = *options, .z = k->info.dim, .known = {.count = k->info.words}};
    out->options.whole_region = whole_region;
    if (options->calibrate != MASK_CALIBRATE_NONE) out->background = k->background.images;
    MASK__USE_THREADS(mask__threads(run));
    opening o = {.c = out, .run = run};
    mask_status status = value_terms(&o, err);
    if (status == MASK_OK) status = word_columns(&o, err);
    if (status == MASK_OK && options->calibrate >= MASK_CALIBRATE_TEXT) status = text_columns(&o, err);
    mask__lexicon_close(&o.lexicon);
    mask__arena_free(&o.work);
    if (status != MASK_OK) mask__calibration_close(out);
    return status;
}

void mask__calibration_close(mask__calibration *c)
{
    mask__arena_free(&c->arena);
    mask__pack_close(&c->pack);
    *c = (mask__calibration){0};
}

/* ---- Images ---- */

mask_status mask__calibration_scenes(const mask__calibration *c, const float *mean, const float *whole, size_t count,
                                     float *out, mask_error *err)
{
    size_t values = count * c->z;
    float *work = malloc((2 * values + 1) * sizeof *work);
    if (!work) return mask__no_memory(err, "scenes");
    memcpy(work, mean, values * sizeof *work);
    mask__describe_scenes(work, whole, values);
    mask__scenes_project(c->knowledge->scene_projection, c->scene_centre, work, count, c->z, work + values, out);
    free(work);
    return MASK_OK;
}

mask_status mask__calibration_image_statistics(const mask__calibration *c, float *scores, size_t count, float *hub,
                                               float *deviation, mask_error *err)
{
    for (size_t i = 0; i < count; i++) {
        hub[i] = 0;
        deviation[i] = 1;
    }
    if (c->options.calibrate < MASK_CALIBRATE_FULL) return MASK_OK;
    standardise(c, scores, count);
    MASK__TRY(mask__image_statistics(scores, c->texts.count, count, &c->options, c->reference_deviation, deviation, hub,
                                     err));
    for (size_t i = 0; i < count; i++) hub[i] *= c->options.hub_image;
    return MASK_OK;
}

/* ---- Texts ---- */

mask_status mask__calibration_text_over_b(const mask__calibration *c, float *scores, float weights,
                                          mask__text_statistics *out, mask_error *err)
{
    const mask_match_options *o = &c->options;
    size_t n = c->background;
    mask__affine a = mask__text_affine(scores, n, mask__text_scale(weights, o->text_power) / c->mean_scale);
    *out = (mask__text_statistics){a.mean, a.scale, mask__hub_share(weights, o), 0};
    if (o->calibrate < MASK_CALIBRATE_FULL) return MASK_OK;
    mask__ranked *scratch = malloc(((size_t)o->hub_neighbours + 1) * sizeof *scratch);
    if (!scratch) return mask__no_memory(err, "text statistics");
    for (size_t i = 0; i < n; i++) scores[i] = (scores[i] - a.mean) / a.scale;
    out->hub = o->hub_text * (float)mask__hubness(scores, n, (size_t)o->hub_neighbours, o->hub_text_sharpness, scratch);
    out->hub += (1 - out->share) * (float)c->mean_hub;
    free(scratch);
    return MASK_OK;
}

mask_status mask__calibration_text(const mask__calibration *c, const float *const *over_b, const float *weights,
                                   size_t terms, mask__text_statistics *out, mask_error *err)
{
    *out = (mask__text_statistics){.deviation = 1, .share = 1};
    if (c->options.calibrate < MASK_CALIBRATE_TEXT) return MASK_OK;
    float *scores = calloc(c->background + 1, sizeof *scores), total = 0;
    if (!scores) return mask__no_memory(err, "text statistics");
    for (size_t w = 0; w < terms; w++) total += weights[w];
    for (size_t w = 0; total > 0 && w < terms; w++) mask__axpy(weights[w] / total, over_b[w], scores, c->background);
    mask_status status = mask__calibration_text_over_b(c, scores, total, out, err);
    free(scores);
    return status;
}

/* ---- One image, exactly ---- */

/* A_w(i) by the rule of columns.c, of unit rows. *at (may be NULL) = the region with the largest. */
static float pool(const mask__calibration *c, const float *prototype, const float *mu, size_t regions, uint32_t *at)
{
    const mask_match_options *o = &c->options;
    float best[MASK__MAX_TOP], cosines[SOME_REGIONS], largest = -INFINITY, sum = 0;
    size_t top = (size_t)o->top < regions ? (size_t)o->top : regions;
    uint32_t where = 0;
    for (size_t t = 0; t < top; t++) best[t] = -INFINITY;
    for (size_t first = 0; first < regions; first += SOME_REGIONS) {
        size_t some = regions - first < SOME_REGIONS ? regions - first : SOME_REGIONS;
        mask__dot_rows(prototype, mu + first * c->z, some, c->z, cosines);
        for (size_t r = 0; r < some; r++) {
            float x = cosines[r];
            if (x > largest) {
                largest = x;
                where = (uint32_t)(first + r);
            }
            if (o->pool == MASK_POOL_MEAN) sum += x;
            else mask__keep_largest(best, top, x);
        }
    }
    if (at) *at = where;
    if (!regions) return 0;
    if (o->pool == MASK_POOL_MEAN) return sum / (float)regions;
    for (size_t t = 0; t < top; t++) sum += best[t];
    return sum / (float)top;
}

static float apply(const mask__affine *affine, float x)
{
    return (x - affine->mean) * affine->scale;
}

static float cosine(const float *a, const float *b, size_t z)
{
    float x;
    mask__dot_rows(a, b, 1, z, &x);
    return x;
}

void mask__calibration_exact(const mask__calibration *calibration, const mask__scored_terms *terms,
                             const uint32_t *which, size_t count, const float *mu, size_t regions, const float *whole,
                             const float *scene, float *c, float *pooled, uint32_t *best)
{
    size_t z = calibration->z;
    for (size_t i = 0; i < count; i++) {
        size_t w = which ? which[i] : i;
        const float *prototype = terms->prototypes + w * z;
        float a = pool(calibration, prototype, mu, regions, best ? &best[i] : NULL);
        c[i] = apply(&terms->pooled[w], a);
        if (terms->whole) c[i] += apply(&terms->whole[w], cosine(prototype, whole, z));
        if (terms->scene) c[i] += apply(&terms->scene[w], cosine(terms->scenes + w * z, scene, z));
        if (pooled) pooled[i] = a;
    }
}
