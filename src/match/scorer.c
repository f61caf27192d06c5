#include "match/scorer.h"
#include "match/columns.h"
#include "match/matcher.h"
#include "match/termcolumns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SOME_REGIONS = 64 };

/* ---- Opening ---- */

mask_status mask__scorer_check(const mask_knowledge *k, const mask_match_options *o, int whole_region, mask_error *err)
{
    MASK__TRY(mask__match_check(o, k, err));
    if (o->pool != MASK_POOL_MAX_MEAN && o->pool != MASK_POOL_MEAN)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "a gallery needs a pooling that has columns: use --pool max-mean or --pool mean");
    if (o->top > MASK__MAX_TOP)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "top must be between 1 and %d regions", MASK__MAX_TOP);
    if (whole_region < MASK_WHOLE_MEAN)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "the whole image's region must be known: an index, or `mean`");
    if (o->calibrate != MASK_CALIBRATE_NONE && !k->background.images)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "the knowledge has no background, and a gallery's scores must not depend on its images: run "
                          "`mask calibrate` first, or use --calibrate none");
    return MASK_OK;
}

/* What opening needs besides what stays. */
typedef struct opening {
    mask__scorer *s;
    mask__lexicon lexicon; /* the known words, then the OOD words of T */
    mask__term_values values;
    size_t terms;
    mask__affine *pooled, *whole, *scene;
    mask__column_times times;
    mask__arena work;
    const mask_run *run;
} opening;

static void *keep(mask__scorer *s, size_t rows, size_t columns, size_t size)
{
    size_t count;
    return mask__multiply(rows, columns, &count) ? mask__arena_alloc(&s->arena, count, size) : NULL;
}

static mask_status value_terms(opening *o, mask_error *err)
{
    mask__scorer *s = o->s;
    const mask_match_options *options = &s->options;
    MASK__TRY(mask__lexicon_open(&o->lexicon, s->knowledge, NULL, err));
    MASK__TRY(mask__lexicon_add_known(&o->lexicon, err));
    if (options->calibrate >= MASK_CALIBRATE_TEXT)
        MASK__TRY(mask__lexicon_add_background(&o->lexicon, options->ood != MASK_OOD_OFF, err));
    size_t count = o->lexicon.names.count;
    o->values = (mask__term_values){.prototypes = keep(s, count, s->z, sizeof(float)),
                                    .weights = mask__arena_alloc(&o->work, count, sizeof(float)),
                                    .reliability = mask__arena_alloc(&o->work, count, sizeof(float))};
    if (options->scene > 0) o->values.scenes = keep(s, count, s->z, sizeof(float));
    if (!o->values.prototypes || !o->values.weights || !o->values.reliability ||
        (options->scene > 0 && !o->values.scenes))
        return mask__no_memory(err, "prototypes");
    o->terms = options->calibrate == MASK_CALIBRATE_FULL ? count : s->known.count;
    s->others.count = o->terms - s->known.count;
    return mask__lexicon_values(&o->lexicon, options, &o->values, err);
}

static mask_status invert_norms(mask__scorer *s, mask_error *err)
{
    const mask__background *b = &s->knowledge->background;
    size_t rows = b->image_rows[b->images];
    float *inverse = keep(s, rows, 1, sizeof *inverse);
    if (!inverse) return mask__no_memory(err, "the background");
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float norm = mask__norm(b->mu + r * s->z, s->z);
        inverse[r] = norm > 0 ? 1 / norm : 0;
    }
    s->b_inverse_norms = inverse;
    return MASK_OK;
}

static mask_status keep_rows(mask__scorer *s, const float *from, const float **to, mask_error *err)
{
    if (!from) return MASK_OK;
    float *copy = keep(s, s->background, s->z, sizeof *copy);
    if (!copy) return mask__no_memory(err, "the background");
    memcpy(copy, from, s->background * s->z * sizeof *copy);
    *to = copy;
    return MASK_OK;
}

/* Columns of all terms over B: what they leave is affines, c_w(b), and B's whole-image and scene vectors. */
static mask_status background_columns(opening *o, mask__column_maker *maker, float *centre, mask_error *err)
{
    mask__scorer *s = o->s;
    mask__regions set = mask__regions_of_background(s->knowledge);
    mask__term_columns b;
    float *over_b = keep(s, o->terms, s->background, sizeof *over_b);
    MASK__TRY(mask__pooled_columns(maker, &set, over_b, &b, "known words", err));
    if (s->options.context > 0) MASK__TRY(mask__whole_columns(maker, &b, err));
    if (s->options.scene > 0) {
        mask__describe_scenes(b.mean_region, b.whole_region, b.count * s->z);
        mask__scene_centre(maker, &b, centre);
        MASK__TRY(mask__scene_columns(maker, &b, centre, err));
    }
    MASK__TRY(keep_rows(s, b.unit_whole, &s->b_whole, err));
    MASK__TRY(keep_rows(s, b.unit_scenes, &s->b_scenes, err));
    mask__word_affines(maker, o->pooled, b.pooled, b.count);
    if (b.whole) mask__word_affines(maker, o->whole, b.whole, b.count);
    if (b.scene) mask__word_affines(maker, o->scene, b.scene, b.count);
    mask__combine_columns(maker, o->pooled, o->whole, o->scene, &b);
    s->known.over_b = over_b;
    return invert_norms(s, err);
}

static mask_status word_columns(opening *o, mask_error *err)
{
    mask__scorer *s = o->s;
    const mask_match_options *options = &s->options;
    mask__column_maker maker = {.knowledge = s->knowledge,
                                .options = options,
                                .whole_region = options->whole_region,
                                .terms = o->terms,
                                .values = &o->values,
                                .arena = &o->work,
                                .times = &o->times,
                                .run = o->run};
    float *centre = keep(s, s->z, 1, sizeof *centre);
    o->pooled = keep(s, o->terms, 1, sizeof *o->pooled);
    o->whole = options->context > 0 ? keep(s, o->terms, 1, sizeof *o->whole) : NULL;
    o->scene = options->scene > 0 ? keep(s, o->terms, 1, sizeof *o->scene) : NULL;
    if (!centre || !o->pooled || (options->context > 0 && !o->whole) || (options->scene > 0 && !o->scene))
        return mask__no_memory(err, "columns");
    s->scene_centre = centre;
    if (s->background) {
        MASK__TRY(background_columns(o, &maker, centre, err));
    } else {
        mask__word_affines(&maker, o->pooled, NULL, 0);
        if (o->whole) mask__word_affines(&maker, o->whole, NULL, 0);
        if (o->scene) mask__word_affines(&maker, o->scene, NULL, 0);
        if (o->scene) mask__scene_centre(&maker, &(mask__term_columns){0}, centre);
    }
    for (size_t w = 0; w < o->terms; w++) {
        if (o->whole) o->whole[w].scale *= options->context;
        if (o->scene) o->scene[w].scale *= options->scene;
    }
    return MASK_OK;
}

/* T as terms and shares of a text; f(t) of each in scales. */
static mask_status keep_texts(opening *o, double *scales, mask_error *err)
{
    mask__scorer *s = o->s;
    const mask__lexicon *l = &o->lexicon;
    uint64_t *at = keep(s, l->texts + 1, 1, sizeof *at);
    uint32_t *terms = keep(s, l->used, 1, sizeof *terms);
    float *shares = keep(s, l->used, 1, sizeof *shares);
    if (!at || !terms || !shares) return mask__no_memory(err, "text statistics");
    memcpy(terms, l->text_terms, l->used * sizeof *terms);
    for (size_t t = 0; t < l->texts; t++) {
        float total = 0;
        at[t + 1] = l->text_at[t + 1];
        for (size_t p = at[t]; p < at[t + 1]; p++) total += o->values.weights[terms[p]];
        for (size_t p = at[t]; p < at[t + 1]; p++) shares[p] = total > 0 ? o->values.weights[terms[p]] / total : 0;
        scales[t] = mask__text_scale(total, s->options.text_power);
        s->mean_scale += scales[t] / (double)l->texts;
    }
    s->text_at = at;
    s->text_terms = terms;
    s->text_weights = shares;
    s->texts = l->texts;
    return MASK_OK;
}

/* S (texts x count) from c of all terms. */
static void text_means(const mask__scorer *s, const float *columns, size_t count, float *out)
{
#pragma omp parallel for schedule(dynamic, 16)
    for (size_t t = 0; t < s->texts; t++) {
        float *row = out + t * count;
        memset(row, 0, count * sizeof *row);
        for (uint64_t p = s->text_at[t]; p < s->text_at[t + 1]; p++)
            mask__axpy(s->text_weights[p], columns + s->text_terms[p] * count, row, count);
    }
}

static void standardise(const mask__scorer *s, float *scores, size_t count)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < s->texts; t++)
        for (size_t i = 0; i < count; i++)
            scores[t * count + i] = (scores[t * count + i] - s->text_mean[t]) / s->text_deviation[t];
}

static mask_status text_columns(opening *o, mask_error *err)
{
    mask__scorer *s = o->s;
    size_t texts = o->lexicon.texts, b = s->background, count;
    double *scales = mask__arena_alloc(&o->work, texts, sizeof *scales);
    if (!scales) return mask__no_memory(err, "text statistics");
    MASK__TRY(keep_texts(o, scales, err));
    if (s->options.calibrate < MASK_CALIBRATE_FULL) {
        s->texts = 0; /* only the mean of f(t) is needed */
        return MASK_OK;
    }
    float *means = keep(s, texts, 1, sizeof *means), *deviations = keep(s, texts, 1, sizeof *deviations);
    float *z = mask__multiply(texts, b, &count) ? mask__arena_alloc(&o->work, count, sizeof *z) : NULL;
    if (!means || !deviations || !z) return mask__no_memory(err, "text statistics");
    text_means(s, s->known.over_b, b, z);
    for (size_t t = 0; t < texts; t++) {
        mask__affine a = mask__text_affine(z + t * b, b, scales[t] / s->mean_scale);
        means[t] = a.mean;
        deviations[t] = a.scale;
    }
    s->text_mean = means;
    s->text_deviation = deviations;
    standardise(s, z, b);
    return mask__reference_deviation(z, texts, b, &s->options, &s->reference_deviation, err);
}

void mask__scorer_place(mask__scorer *s, mask__scored_terms all)
{
    size_t known = s->known.count, others = s->others.count;
    s->known = all;
    s->known.count = known;
    s->others = (mask__scored_terms){.count = others, .prototypes = all.prototypes + known * s->z};
    if (all.scenes) s->others.scenes = all.scenes + known * s->z;
    if (all.pooled) s->others.pooled = all.pooled + known;
    if (all.whole) s->others.whole = all.whole + known;
    if (all.scene) s->others.scene = all.scene + known;
    if (all.over_b) s->others.over_b = all.over_b + known * s->background;
}

mask_status mask__scorer_open(mask__scorer *out, const mask_knowledge *k, const mask_match_options *options,
                              int whole_region, const mask_run *run, mask_error *err)
{
    *out = (mask__scorer){0};
    MASK__TRY(mask__scorer_check(k, options, whole_region, err));
    *out = (mask__scorer){.knowledge = k, .options = *options, .z = k->info.dim, .known = {.count = k->info.words}};
    out->options.whole_region = whole_region;
    if (options->calibrate != MASK_CALIBRATE_NONE) out->background = k->background.images;
    MASK__USE_THREADS(mask__threads(run));
    opening o = {.s = out, .run = run};
    mask_status status = value_terms(&o, err);
    if (status == MASK_OK) status = word_columns(&o, err);
    if (status == MASK_OK && options->calibrate >= MASK_CALIBRATE_TEXT) status = text_columns(&o, err);
    if (status == MASK_OK)
        mask__scorer_place(out, (mask__scored_terms){.prototypes = o.values.prototypes,
                                                     .scenes = o.values.scenes,
                                                     .pooled = o.pooled,
                                                     .whole = o.whole,
                                                     .scene = o.scene,
                                                     .over_b = out->known.over_b});
    mask__lexicon_close(&o.lexicon);
    mask__arena_free(&o.work);
    if (status != MASK_OK) mask__scorer_close(out);
    return status;
}

void mask__scorer_close(mask__scorer *s)
{
    mask__arena_free(&s->arena);
    mask__pack_close(&s->pack);
    *s = (mask__scorer){0};
}

/* ---- Images ---- */

mask_status mask__scorer_scenes(const mask__scorer *s, const float *mean, const float *whole, size_t count, float *out,
                                mask_error *err)
{
    size_t values = count * s->z;
    float *work = malloc((2 * values + 1) * sizeof *work);
    if (!work) return mask__no_memory(err, "scenes");
    memcpy(work, mean, values * sizeof *work);
    mask__describe_scenes(work, whole, values);
    mask__scenes_project(s->knowledge->scene_projection, s->scene_centre, work, count, s->z, work + values, out);
    free(work);
    return MASK_OK;
}

mask_status mask__scorer_image_statistics(const mask__scorer *s, const float *columns, size_t count, float *hub,
                                          float *deviation, mask_error *err)
{
    if (s->options.calibrate < MASK_CALIBRATE_FULL) {
        for (size_t i = 0; i < count; i++) {
            hub[i] = 0;
            deviation[i] = 1;
        }
        return MASK_OK;
    }
    size_t values;
    float *z = mask__multiply(s->texts, count, &values) ? malloc((values + 1) * sizeof *z) : NULL;
    if (!z) return mask__no_memory(err, "image statistics");
    text_means(s, columns, count, z);
    standardise(s, z, count);
    mask_status status =
        mask__image_statistics(z, s->texts, count, &s->options, s->reference_deviation, deviation, hub, err);
    for (size_t i = 0; i < count; i++) hub[i] *= s->options.hub_image;
    free(z);
    return status;
}

/* ---- One image, exactly ---- */

/* The mean of the `top` largest values so far: best[0] the largest. */
static void keep_largest(float *best, size_t top, float value)
{
    for (size_t t = 0; t < top; t++) {
        float high = best[t] > value ? best[t] : value;
        value = best[t] > value ? value : best[t];
        best[t] = high;
    }
}

/* A_w(i) by the rule of columns.c. inverse_norms NULL = rows are unit. *at (may be NULL) = the region with the largest.
 */
static float pool(const mask__scorer *s, const float *prototype, const float *mu, const float *inverse_norms,
                  size_t regions, uint32_t *at)
{
    const mask_match_options *o = &s->options;
    float best[MASK__MAX_TOP], cosines[SOME_REGIONS], largest = -INFINITY, sum = 0;
    size_t top = (size_t)o->top < regions ? (size_t)o->top : regions;
    uint32_t where = 0;
    for (size_t t = 0; t < top; t++) best[t] = -INFINITY;
    for (size_t first = 0; first < regions; first += SOME_REGIONS) {
        size_t some = regions - first < SOME_REGIONS ? regions - first : SOME_REGIONS;
        mask__dot_rows(prototype, mu + first * s->z, some, s->z, cosines);
        for (size_t r = 0; r < some; r++) {
            float x = inverse_norms ? cosines[r] * inverse_norms[first + r] : cosines[r];
            if (x > largest) {
                largest = x;
                where = (uint32_t)(first + r);
            }
            if (o->pool == MASK_POOL_MEAN) sum += x;
            else keep_largest(best, top, x);
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

void mask__scorer_exact(const mask__scorer *s, const mask__scored_terms *terms, const uint32_t *which, size_t count,
                        const float *mu, size_t regions, const float *whole, const float *scene, float *c,
                        float *pooled, uint32_t *best)
{
    for (size_t i = 0; i < count; i++) {
        size_t w = which ? which[i] : i;
        const float *prototype = terms->prototypes + w * s->z;
        float a = pool(s, prototype, mu, NULL, regions, best ? &best[i] : NULL);
        c[i] = apply(&terms->pooled[w], a);
        if (terms->whole) c[i] += apply(&terms->whole[w], cosine(prototype, whole, s->z));
        if (terms->scene) c[i] += apply(&terms->scene[w], cosine(terms->scenes + w * s->z, scene, s->z));
        if (pooled) pooled[i] = a;
    }
}

/* ---- Texts ---- */

/* Affines and c_w(b) of one OOD word: columns is scratch, 3 x |B|. */
static void calibrate_term(const mask__scorer *s, const float *prototype, const float *scene, float reliability,
                           mask__affine *pooled, mask__affine *whole, mask__affine *scene_affine, float *columns,
                           float *over_b)
{
    const mask__background *b = &s->knowledge->background;
    mask_calibrate level = s->options.calibrate;
    size_t n = s->background, z = s->z;
    float *a = n ? columns : NULL, *g = n ? columns + n : NULL, *h = n ? columns + 2 * n : NULL;
    for (size_t i = 0; i < n; i++) {
        uint64_t first = b->image_rows[i];
        a[i] = pool(s, prototype, b->mu + first * z, s->b_inverse_norms + first, b->image_rows[i + 1] - first, NULL);
    }
    *pooled = mask__word_affine(a, n, reliability, level);
    if (whole) {
        if (n) mask__dot_rows(prototype, s->b_whole, n, z, g);
        *whole = mask__word_affine(g, n, reliability, level);
        whole->scale *= s->options.context;
    }
    if (scene_affine) {
        if (n) mask__dot_rows(scene, s->b_scenes, n, z, h);
        *scene_affine = mask__word_affine(h, n, reliability, level);
        scene_affine->scale *= s->options.scene;
    }
    for (size_t i = 0; i < n; i++) {
        over_b[i] = apply(pooled, a[i]);
        if (whole) over_b[i] += apply(whole, g[i]);
        if (scene_affine) over_b[i] += apply(scene_affine, h[i]);
    }
}

mask_status mask__scorer_terms(const mask__scorer *s, const mask__term_values *values, size_t first, size_t count,
                               mask__scored_terms *out, mask__arena *arena, mask_error *err)
{
    size_t n = s->background, z = s->z;
    bool context = s->options.context > 0, scenes = s->options.scene > 0;
    float *prototypes = mask__arena_alloc(arena, count * z, sizeof *prototypes);
    float *scene = scenes ? mask__arena_alloc(arena, count * z, sizeof *scene) : NULL;
    float *over_b = mask__arena_alloc(arena, count * n, sizeof *over_b),
          *columns = malloc((3 * n + 1) * sizeof *columns);
    mask__affine *affines[3];
    bool enough = prototypes && over_b && columns && (!scenes || scene);
    for (int a = 0; a < 3; a++) enough = (affines[a] = mask__arena_alloc(arena, count, sizeof *affines[a])) && enough;
    if (!enough) {
        free(columns);
        return mask__no_memory(err, "the words of a query");
    }
    memcpy(prototypes, values->prototypes + first * z, count * z * sizeof *prototypes);
    if (scenes) memcpy(scene, values->scenes + first * z, count * z * sizeof *scene);
    for (size_t w = 0; w < count; w++)
        calibrate_term(s, prototypes + w * z, scenes ? scene + w * z : NULL, values->reliability[first + w],
                       affines[0] + w, context ? affines[1] + w : NULL, scenes ? affines[2] + w : NULL, columns,
                       over_b + w * n);
    free(columns);
    *out = (mask__scored_terms){.count = count,
                                .prototypes = prototypes,
                                .scenes = scene,
                                .pooled = affines[0],
                                .whole = context ? affines[1] : NULL,
                                .scene = scenes ? affines[2] : NULL,
                                .over_b = n ? over_b : NULL};
    return MASK_OK;
}

mask_status mask__scorer_text(const mask__scorer *s, const float *const *over_b, const float *weights, size_t terms,
                              mask__text_statistics *out, mask_error *err)
{
    const mask_match_options *o = &s->options;
    size_t n = s->background;
    *out = (mask__text_statistics){.deviation = 1};
    if (o->calibrate < MASK_CALIBRATE_TEXT) return MASK_OK;
    float *scores = calloc(n + 1, sizeof *scores), total = 0;
    mask__ranked *scratch = malloc(((size_t)o->hub_neighbours + 1) * sizeof *scratch);
    mask_status status = scores && scratch ? MASK_OK : mask__no_memory(err, "text statistics");
    for (size_t w = 0; w < terms; w++) total += weights[w];
    for (size_t w = 0; status == MASK_OK && total > 0 && w < terms; w++)
        mask__axpy(weights[w] / total, over_b[w], scores, n);
    if (status == MASK_OK) {
        mask__affine a = mask__text_affine(scores, n, mask__text_scale(total, o->text_power) / s->mean_scale);
        for (size_t i = 0; i < n; i++) scores[i] = (scores[i] - a.mean) / a.scale;
        out->mean = a.mean;
        out->deviation = a.scale;
        if (o->calibrate == MASK_CALIBRATE_FULL)
            out->hub = o->hub_text *
                       (float)mask__hubness(scores, n, (size_t)o->hub_neighbours, o->hub_text_sharpness, scratch);
    }
    free(scores);
    free(scratch);
    return status;
}
