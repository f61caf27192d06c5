#include "match/matcher.h"
#include "images/images.h"
#include "match/termcolumns.h"
#include "math/vector.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

mask_status mask__match_check(const mask_match_options *o, const mask_knowledge *k, mask_error *err)
{
    if (o->top < 1) return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "top must be at least 1 region");
    if (!(o->adjective >= 0))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "adjectives must not weigh less than 0");
    if (!(o->context >= 0)) return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "context must not be negative");
    if (o->whole_region < MASK_WHOLE_AUTO)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "the whole image's region must be an index");
    if (o->ood_neighbours < 1 || !(o->ood_temperature > 0))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "out-of-knowledge words need at least 1 neighbour and a temperature above 0");
    if (o->hub_neighbours < 0 || (o->hub_neighbours == 0 && o->calibrate == MASK_CALIBRATE_FULL &&
                                  !(o->hub_image_sharpness > 0 && o->hub_text_sharpness > 0)))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "hubness needs at least 1 neighbour, or sharpness above 0");
    if (!(o->scene >= 0) || !(o->ood_company >= 0 && o->ood_company <= 1) || !(o->text_power >= 0) ||
        !(o->image_power >= 0))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "scene weight and powers must not be negative, the share of co-occurrence at most 1");
    if (o->scene > 0 && !k->scene_prototypes)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "the knowledge was learned without scenes: use --scene 0, or learn it again with them");
    return MASK_OK;
}

static mask_status check_options(const mask_match_options *o, const mask_knowledge *k, const mask_vectors *vectors,
                                 mask_error *err)
{
    MASK__TRY(mask__match_check(o, k, err));
    if (o->ood == MASK_OOD_OFF || vectors) return MASK_OK;
    return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                      "out-of-knowledge words need the word vectors the knowledge was learned with (%s): pass "
                      "--vectors FILE, or --ood off",
                      k->info.vectors_path);
}

mask_status mask__matcher_open(mask__matcher *m, const mask_knowledge *k, const mask_vectors *vectors,
                               const mask_match_options *options, mask_error *err)
{
    *m = (mask__matcher){.knowledge = k, .options = options ? *options : mask_match_defaults(k)};
    MASK__TRY(check_options(&m->options, k, vectors, err));
    m->transductive = k->background.images == 0 && m->options.calibrate != MASK_CALIBRATE_NONE;
    mask_status status = mask__lexicon_open(&m->lexicon, k, m->options.ood == MASK_OOD_OFF ? NULL : vectors, err);
    if (status == MASK_OK && m->options.adjective > 0)
        status = mask__modifiers_open(&m->lexicon.modifiers, m->options.modifiers, err);
    if (status != MASK_OK) mask__matcher_close(m);
    return status;
}

void mask__matcher_close(mask__matcher *m)
{
    mask__lexicon_close(&m->lexicon);
    mask__arena_free(&m->arena);
}

mask_status mask__matcher_add(mask__matcher *m, const char *text, mask_error *err)
{
    m->queries++;
    return mask__lexicon_add_text(&m->lexicon, text, err);
}

/* Region 0 is the whole image where its box holds every other box of its image, in every image. */
static bool first_region_covers(const mask_images *images)
{
    for (size_t i = 0; i < mask_images_count(images); i++) {
        float whole[4], box[4];
        if (!mask_images_box(images, i, 0, whole)) return false;
        float slack = 0.01f * (whole[2] - whole[0] + whole[3] - whole[1]);
        for (size_t r = 1; r < mask_images_regions(images, i); r++)
            if (!mask_images_box(images, i, r, box) || box[0] < whole[0] - slack || box[1] < whole[1] - slack ||
                box[2] > whole[2] + slack || box[3] > whole[3] + slack)
                return false;
    }
    return mask_images_count(images) > 0;
}

int mask__whole_region_of(const mask_images *images)
{
    return first_region_covers(images) ? 0 : MASK_WHOLE_MEAN;
}

static float *floats(mask__matcher *m, size_t rows, size_t columns)
{
    size_t count;
    return mask__multiply(rows, columns, &count) ? mask__arena_alloc(&m->arena, count, sizeof(float)) : NULL;
}

mask_status mask__matcher_value_terms(mask__matcher *m, mask_error *err)
{
    size_t z = m->knowledge->info.dim;
    m->terms = m->lexicon.names.count;
    m->values = (mask__term_values){
        .prototypes = floats(m, m->terms, z), .weights = floats(m, m->terms, 1), .reliability = floats(m, m->terms, 1)};
    if (!m->values.prototypes || !m->values.weights || !m->values.reliability)
        return mask__no_memory(err, "prototypes");
    if (m->options.scene > 0 && !(m->values.scenes = floats(m, m->terms, z))) return mask__no_memory(err, "prototypes");
    return mask__lexicon_values(&m->lexicon, &m->options, &m->values, err);
}

static mask_status prepare(mask__matcher *m, size_t count, int whole_region, mask_error *err)
{
    const mask_match_options *o = &m->options;
    if (o->calibrate != MASK_CALIBRATE_NONE && !m->transductive)
        MASK__TRY(mask__lexicon_add_background(&m->lexicon, m->lexicon.vectors != NULL, err));
    m->whole_region = whole_region;
    MASK__TRY(mask__matcher_value_terms(m, err));
    size_t texts = m->lexicon.texts;
    m->pooled_affine = mask__arena_alloc(&m->arena, m->terms, sizeof *m->pooled_affine);
    m->whole_affine = mask__arena_alloc(&m->arena, m->terms, sizeof *m->whole_affine);
    m->scene_affine = mask__arena_alloc(&m->arena, m->terms, sizeof *m->scene_affine);
    m->columns = floats(m, m->terms, count);
    m->text_mean = floats(m, texts, 1);
    m->text_deviation = floats(m, texts, 1);
    m->hub_text = floats(m, texts, 1);
    m->hub_image = floats(m, count, 1);
    m->image_deviation = floats(m, count, 1);
    if (m->pooled_affine && m->whole_affine && m->scene_affine && m->columns && m->text_mean && m->text_deviation &&
        m->hub_text && m->hub_image && m->image_deviation)
        return MASK_OK;
    return mask__no_memory(err, "columns");
}

/* All columns of the gallery, and of B, which is the same set when there is no background. */
static mask_status all_columns(const mask__column_maker *maker, float *columns, bool background,
                               const mask__regions *images, mask__term_columns *gallery, mask__term_columns *b,
                               mask_error *err)
{
    const mask_match_options *o = maker->options;
    size_t z = maker->knowledge->info.dim;
    float *centre = mask__arena_alloc(maker->arena, z, sizeof *centre);
    if (!centre) return mask__no_memory(err, "columns");
    MASK__TRY(mask__pooled_columns(maker, images, columns, gallery, "columns", err));
    if (background) {
        mask__regions set = mask__regions_of_background(maker->knowledge);
        float *pooled = mask__arena_alloc(maker->arena, maker->terms * set.count, sizeof *pooled);
        MASK__TRY(mask__pooled_columns(maker, &set, pooled, b, "background columns", err));
    }
    if (o->context > 0) {
        MASK__TRY(mask__whole_columns(maker, gallery, err));
        if (background) MASK__TRY(mask__whole_columns(maker, b, err));
    }
    if (o->scene > 0) {
        mask__describe_scenes(gallery->mean_region, gallery->whole_region, gallery->count * z);
        if (background) mask__describe_scenes(b->mean_region, b->whole_region, b->count * z);
        mask__scene_centre(maker, background ? b : gallery, centre);
        MASK__TRY(mask__scene_columns(maker, gallery, centre, err));
        if (background) MASK__TRY(mask__scene_columns(maker, b, centre, err));
    }
    if (!background) *b = *gallery;
    return MASK_OK;
}

/* S(t, .) for all texts of the lexicon from combined columns: out (texts x count). */
static void weighted_means(const mask__matcher *m, const float *columns, size_t count, float *out)
{
    const mask__lexicon *l = &m->lexicon;
#pragma omp parallel for schedule(dynamic, 16)
    for (size_t t = 0; t < l->texts; t++) {
        float *row = out + t * count, total = 0;
        memset(row, 0, count * sizeof *row);
        for (size_t p = l->text_at[t]; p < l->text_at[t + 1]; p++) total += m->values.weights[l->text_terms[p]];
        for (size_t p = l->text_at[t]; total > 0 && p < l->text_at[t + 1]; p++) {
            uint32_t term = l->text_terms[p];
            mask__axpy(m->values.weights[term] / total, columns + term * count, row, count);
        }
    }
}

typedef struct region_job {
    const mask__matcher *matcher;
    float *out;
    size_t count;
    float share;
} region_job;

/* Adds share x mean over regions of the maximum over the text's words of the standardised cosine. */
static void add_region_max(void *context, size_t image, const float *cosines, size_t regions)
{
    const region_job *job = context;
    const mask__matcher *m = job->matcher;
    const mask__lexicon *l = &m->lexicon;
    for (size_t t = 0; t < l->texts; t++) {
        size_t begin = l->text_at[t], end = l->text_at[t + 1];
        double sum = 0;
        for (size_t r = 0; begin < end && r < regions; r++) {
            float best = -INFINITY;
            for (size_t p = begin; p < end; p++) {
                uint32_t w = l->text_terms[p];
                float x = (cosines[w * regions + r] - m->pooled_affine[w].mean) * m->pooled_affine[w].scale;
                if (x > best) best = x;
            }
            sum += best;
        }
        if (regions) job->out[t * job->count + image] += job->share * (float)(sum / (double)regions);
    }
}

/* S(t, i) of all texts with all images of a set, from columns that hold c_w(i): out (texts x count). */
static mask_status raw_scores(mask__matcher *m, const mask__regions *regions, const float *columns, float *out,
                              const char *what, const mask_run *run, mask_error *err)
{
    mask_pool pool = m->options.pool;
    weighted_means(m, columns, regions->count, out);
    if (pool != MASK_POOL_REGION_MAX && pool != MASK_POOL_BOTH) return MASK_OK;
    region_job job = {m, out, regions->count, pool == MASK_POOL_BOTH ? 0.5f : 1};
    return mask__columns_visit(regions, m->values.prototypes, m->terms, add_region_max, &job, &m->times, what, run,
                               err);
}

static double text_scale(const mask__matcher *m, size_t t)
{
    const mask__lexicon *l = &m->lexicon;
    double sum = 0;
    for (size_t p = l->text_at[t]; p < l->text_at[t + 1]; p++) sum += m->values.weights[l->text_terms[p]];
    return mask__text_scale(sum, m->options.text_power);
}

/* The first text of T: the background's follow the queries. */
static size_t first_of_t(const mask__matcher *m)
{
    return m->transductive ? 0 : m->queries;
}

/* From S over B (texts x count): mean and deviation, the latter divided by the text's scale. */
static void text_statistics(mask__matcher *m, const float *over_b, size_t count)
{
    size_t texts = m->lexicon.texts, first = first_of_t(m);
    double mean_scale = 0;
    for (size_t t = first; t < texts; t++) mean_scale += text_scale(m, t) / (double)(texts - first);
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < texts; t++) {
        mask__affine a = mask__text_affine(over_b + t * count, count, text_scale(m, t) / mean_scale);
        m->text_mean[t] = a.mean;
        m->text_deviation[t] = a.scale;
    }
}

/* z in place. */
static void standardise_texts(const mask__matcher *m, float *scores, size_t count)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < m->lexicon.texts; t++)
        for (size_t i = 0; i < count; i++)
            scores[t * count + i] = (scores[t * count + i] - m->text_mean[t]) / m->text_deviation[t];
}

/* g(t) from z over B (texts x count). */
static mask_status text_hubness(mask__matcher *m, const float *over_b, size_t count, mask_error *err)
{
    const mask_match_options *o = &m->options;
    bool short_of_memory = false;
#pragma omp parallel
    {
        mask__ranked *scratch = malloc(((size_t)o->hub_neighbours + 1) * sizeof *scratch);
        if (!scratch) {
#pragma omp atomic write
            short_of_memory = true;
        }
#pragma omp for schedule(static) /* which every thread must reach, with memory or without */
        for (size_t t = 0; t < m->lexicon.texts; t++)
            if (scratch)
                m->hub_text[t] = (float)mask__hubness(over_b + t * count, count, (size_t)o->hub_neighbours,
                                                      o->hub_text_sharpness, scratch);
        free(scratch);
    }
    return short_of_memory ? mask__no_memory(err, "hubness") : MASK_OK;
}

/* Hubness and deviations of images from z of the gallery and of B (texts x count and x b_count). */
static mask_status image_hubness(mask__matcher *m, const float *z, size_t count, const float *over_b, size_t b_count,
                                 mask_error *err)
{
    size_t first = first_of_t(m), texts = m->lexicon.texts - first;
    double reference;
    MASK__TRY(mask__reference_deviation(over_b + first * b_count, texts, b_count, &m->options, &reference, err));
    return mask__image_statistics(z + first * count, texts, count, &m->options, reference, m->image_deviation,
                                  m->hub_image, err);
}

static void subtract_hubness(const mask__matcher *m, float *scores, size_t count)
{
    const mask_match_options *o = &m->options;
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < m->queries; t++)
        for (size_t i = 0; i < count; i++)
            scores[t * count + i] = scores[t * count + i] / m->image_deviation[i] -
                                    (o->hub_image * m->hub_image[i] + o->hub_text * m->hub_text[t]);
}

/* A text without a usable word says nothing of any image: it scores as low as the lowest score of the others. */
static void sink_empty_texts(const mask__matcher *m, float *scores, size_t count)
{
    const size_t *at = m->lexicon.text_at;
    float lowest = FLT_MAX;
    for (size_t t = 0; t < m->queries; t++)
        for (size_t i = 0; at[t] < at[t + 1] && i < count; i++)
            if (scores[t * count + i] < lowest) lowest = scores[t * count + i];
    for (size_t t = 0; t < m->queries; t++)
        for (size_t i = 0; at[t] == at[t + 1] && i < count; i++) scores[t * count + i] = lowest < FLT_MAX ? lowest : 0;
}

/* Word statistics, combined columns of the images, and S over B (NULL below the text level or without a background). */
static mask_status columns_and_statistics(mask__matcher *m, const mask__regions *images, float **over_b,
                                          size_t *b_count, const mask_run *run, mask_error *err)
{
    mask_calibrate level = m->options.calibrate;
    bool background = level != MASK_CALIBRATE_NONE && !m->transductive;
    mask__term_columns gallery, b;
    mask__column_maker maker = {.knowledge = m->knowledge,
                                .options = &m->options,
                                .whole_region = m->whole_region,
                                .terms = m->terms,
                                .values = &m->values,
                                .arena = &m->arena,
                                .times = &m->times,
                                .run = run};
    MASK__TRY(all_columns(&maker, m->columns, background, images, &gallery, &b, err));
    mask__word_affines(&maker, m->pooled_affine, b.pooled, b.count);
    mask__word_affines(&maker, m->whole_affine, b.whole, b.count);
    mask__word_affines(&maker, m->scene_affine, b.scene, b.count);
    mask__combine_columns(&maker, m->pooled_affine, m->whole_affine, m->scene_affine, &gallery);
    if (background) mask__combine_columns(&maker, m->pooled_affine, m->whole_affine, m->scene_affine, &b);
    *over_b = NULL;
    *b_count = b.count;
    if (level < MASK_CALIBRATE_TEXT || !background) return MASK_OK;
    mask__regions set = mask__regions_of_background(m->knowledge);
    if (!(*over_b = floats(m, m->lexicon.texts, b.count))) return mask__no_memory(err, "text statistics");
    return raw_scores(m, &set, b.pooled, *over_b, "background scores", run, err);
}

mask_status mask__matcher_run_regions(mask__matcher *m, const mask__regions *regions, int whole_region, float *scores,
                                      const mask_run *run, mask_error *err)
{
    mask_calibrate level = m->options.calibrate;
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(prepare(m, regions->count, whole_region, err));
    size_t count = regions->count, texts = m->lexicon.texts, b_count;
    /* T's scores are needed for the images' statistics only; without T the caller's matrix holds all texts. */
    float *all = texts > m->queries ? floats(m, texts, count) : scores, *over_b;
    if (!all) return mask__no_memory(err, "scores");
    MASK__TRY(columns_and_statistics(m, regions, &over_b, &b_count, run, err));
    MASK__TRY(raw_scores(m, regions, m->columns, all, "scores", run, err));
    if (level >= MASK_CALIBRATE_TEXT) {
        text_statistics(m, over_b ? over_b : all, b_count);
        standardise_texts(m, all, count);
        if (over_b) standardise_texts(m, over_b, b_count);
    }
    if (level >= MASK_CALIBRATE_FULL) {
        const float *z_b = over_b ? over_b : all;
        MASK__TRY(text_hubness(m, z_b, b_count, err));
        MASK__TRY(image_hubness(m, all, count, z_b, b_count, err));
    }
    if (all != scores) memcpy(scores, all, m->queries * count * sizeof *scores);
    if (level >= MASK_CALIBRATE_FULL) subtract_hubness(m, scores, count);
    sink_empty_texts(m, scores, count);
    return MASK_OK;
}

mask_status mask__matcher_run(mask__matcher *m, const mask_images *images, float *scores, const mask_run *run,
                              mask_error *err)
{
    size_t dim = m->knowledge->representation.in;
    int whole = m->options.whole_region;
    if (mask_images_dim(images) != dim)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: its features have %zu dimensions, the knowledge was learned on %zu: extract both alike",
                          mask__images_path(images), mask_images_dim(images), dim);
    if (whole == MASK_WHOLE_AUTO) whole = mask__whole_region_of(images);
    mask__regions regions = mask__regions_of_images(images, &m->knowledge->representation);
    return mask__matcher_run_regions(m, &regions, whole, scores, run, err);
}
