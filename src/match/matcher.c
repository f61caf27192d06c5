#include "matcher.h"
#include "dataset/images.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float tiny_deviation = 1e-6f;

static mask_status check_options(const mask_match_options *o, const mask_knowledge *k, const mask_vectors *vectors,
                                 mask_error *err)
{
    if (o->top < 1) return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "top must be at least 1 region");
    if (!(o->context >= 0)) return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "context must not be negative");
    if (o->whole_region < MASK_WHOLE_AUTO)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "the whole image's region must be an index");
    if (o->ood_neighbours < 1 || !(o->ood_temperature > 0))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "out-of-knowledge words need at least 1 neighbour and a temperature above 0");
    if (o->hub_neighbours < 1)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "hubness needs at least 1 neighbour");
    if (o->ood != MASK_OOD_OFF && !vectors)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "out-of-knowledge words need the word vectors the knowledge was learned with (%s): pass "
                          "--vectors FILE, or --ood off",
                          k->info.vectors_path);
    return MASK_OK;
}

mask_status mask__matcher_open(mask__matcher *m, const mask_knowledge *k, const mask_vectors *vectors,
                               const mask_match_options *options, mask_error *err)
{
    *m = (mask__matcher){.knowledge = k, .options = options ? *options : mask_match_defaults(k)};
    MASK__TRY(check_options(&m->options, k, vectors, err));
    m->transductive = k->background.images == 0 && m->options.calibrate != MASK_CALIBRATE_NONE;
    mask_status status = mask__lexicon_open(&m->lexicon, k, m->options.ood == MASK_OOD_OFF ? NULL : vectors, err);
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

static float *floats(mask__matcher *m, size_t rows, size_t columns)
{
    size_t count;
    return mask__multiply(rows, columns, &count) ? mask__arena_alloc(&m->arena, count, sizeof(float)) : NULL;
}

static mask_status prepare(mask__matcher *m, const mask_images *images, mask_error *err)
{
    const mask_match_options *o = &m->options;
    size_t dim = m->knowledge->encoder.in;
    if (mask_images_dim(images) != dim)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: its features have %zu dimensions, the knowledge was learned on %zu: extract both alike",
                          mask__images_path(images), mask_images_dim(images), dim);
    if (o->calibrate != MASK_CALIBRATE_NONE && !m->transductive)
        MASK__TRY(mask__lexicon_add_background(&m->lexicon, err));
    m->terms = m->lexicon.names.count;
    m->whole_region = o->whole_region;
    if (m->whole_region == MASK_WHOLE_AUTO) m->whole_region = first_region_covers(images) ? 0 : MASK_WHOLE_MEAN;
    size_t terms = m->terms, texts = m->lexicon.texts;
    m->prototypes = floats(m, terms, m->knowledge->info.dim);
    m->weights = floats(m, terms, 1);
    m->pooled_affine = mask__arena_alloc(&m->arena, terms, sizeof *m->pooled_affine);
    m->whole_affine = mask__arena_alloc(&m->arena, terms, sizeof *m->whole_affine);
    m->columns = floats(m, terms, mask_images_count(images));
    m->text_mean = floats(m, texts, 1);
    m->text_deviation = floats(m, texts, 1);
    m->hub_text = floats(m, texts, 1);
    m->hub_image = floats(m, mask_images_count(images), 1);
    if (!m->prototypes || !m->weights || !m->pooled_affine || !m->whole_affine || !m->columns || !m->text_mean ||
        !m->text_deviation || !m->hub_text || !m->hub_image)
        return mask__no_memory(err, "columns");
    return mask__lexicon_prototypes(&m->lexicon, o, m->prototypes, m->weights, err);
}

/* Columns of a set of images: pooled and, with context, of the whole image (NULL without), terms x count each. */
typedef struct column_set {
    size_t count;
    float *pooled, *whole;
} column_set;

static mask_status raw_columns(mask__matcher *m, const mask__regions *regions, float *pooled, column_set *out,
                               const char *what, const mask_run *run, mask_error *err)
{
    const mask_match_options *o = &m->options;
    mask__pooling pooling = {.mean = o->pool == MASK_POOL_MEAN, .top = o->top};
    mask__summaries summaries = {.whole_region = m->whole_region};
    size_t count = regions->count, z = regions->dim;
    *out = (column_set){.count = count, .pooled = pooled};
    if (o->context <= 0)
        return mask__columns_compute(regions, m->prototypes, m->terms, &pooling, pooled, NULL, &m->times, what, run, err);
    float *whole = floats(m, count, z);
    out->whole = floats(m, m->terms, count);
    if (!whole || !out->whole) return mask__no_memory(err, "columns");
    *(m->whole_region >= 0 ? &summaries.whole : &summaries.mean) = whole;
    MASK__TRY(mask__columns_compute(regions, m->prototypes, m->terms, &pooling, pooled, &summaries, &m->times, what, run,
                                    err));
    for (size_t i = 0; i < count; i++) mask__normalise(whole + i * z, z);
    mask__gemm(false, true, m->terms, count, z, 1, m->prototypes, z, whole, z, 0, out->whole, count);
    return MASK_OK;
}

static void mean_and_deviation(const float *x, size_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    *mean = n ? sum / (double)n : 0;
    for (size_t i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = n ? sqrt(squares / (double)n) : 0;
}

/* The word statistics of columns over B as an affine map. */
static void word_statistics(mask__affine *affine, const float *columns, size_t terms, size_t count, mask_calibrate level)
{
#pragma omp parallel for schedule(static)
    for (size_t w = 0; w < terms; w++) {
        double mean = 0, deviation = 1;
        if (columns && level != MASK_CALIBRATE_NONE) mean_and_deviation(columns + w * count, count, &mean, &deviation);
        affine[w].mean = (float)mean;
        affine[w].scale = level >= MASK_CALIBRATE_ZSCORE && columns ? 1 / ((float)deviation + tiny_deviation) : 1;
    }
}

/* Replaces pooled by c_w(i). The weight of the pooled part is 1, or what `region-max` leaves to it. */
static void combine_columns(const mask__matcher *m, const column_set *set)
{
    size_t count = set->count;
    float share = m->options.pool == MASK_POOL_REGION_MAX ? 0 : m->options.pool == MASK_POOL_BOTH ? 0.5f : 1;
#pragma omp parallel for schedule(static)
    for (size_t w = 0; w < m->terms; w++) {
        mask__affine a = m->pooled_affine[w], g = m->whole_affine[w];
        float *c = set->pooled + w * count;
        for (size_t i = 0; i < count; i++) {
            float value = share * ((c[i] - a.mean) * a.scale);
            if (set->whole) value += m->options.context * ((set->whole[w * count + i] - g.mean) * g.scale);
            c[i] = value;
        }
    }
}

/* S(t, .) for all texts of the lexicon from combined columns: out (texts x count). */
static void weighted_means(const mask__matcher *m, const float *columns, size_t count, float *out)
{
    const mask__lexicon *l = &m->lexicon;
#pragma omp parallel for schedule(dynamic, 16)
    for (size_t t = 0; t < l->texts; t++) {
        float *row = out + t * count, total = 0;
        memset(row, 0, count * sizeof *row);
        for (size_t p = l->text_at[t]; p < l->text_at[t + 1]; p++) total += m->weights[l->text_terms[p]];
        for (size_t p = l->text_at[t]; total > 0 && p < l->text_at[t + 1]; p++) {
            uint32_t term = l->text_terms[p];
            mask__axpy(m->weights[term] / total, columns + term * count, row, count);
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
    return mask__columns_visit(regions, m->prototypes, m->terms, add_region_max, &job, &m->times, what, run, err);
}

static double mean_of_largest(const float *x, size_t n, size_t k, mask__ranked *scratch)
{
    double sum = 0;
    size_t found = mask__top_k(x, n, k, scratch);
    for (size_t i = 0; i < found; i++) sum += scratch[i].value;
    return found ? sum / (double)found : 0;
}

/* From S over B (texts x count): mean, deviation, and g(t) = mean of the largest z. */
static mask_status text_statistics(mask__matcher *m, const float *over_b, size_t count, mask_error *err)
{
    size_t near = (size_t)m->options.hub_neighbours < count ? (size_t)m->options.hub_neighbours : count;
    bool short_of_memory = false;
#pragma omp parallel
    {
        mask__ranked *scratch = malloc((near + 1) * sizeof *scratch);
        if (!scratch) {
#pragma omp atomic write
            short_of_memory = true;
        } else {
#pragma omp for schedule(static)
            for (size_t t = 0; t < m->lexicon.texts; t++) {
                double mean, deviation, largest = mean_of_largest(over_b + t * count, count, near, scratch);
                mean_and_deviation(over_b + t * count, count, &mean, &deviation);
                m->text_mean[t] = (float)mean;
                m->text_deviation[t] = (float)deviation + tiny_deviation;
                m->hub_text[t] = (float)((largest - mean) / (deviation + tiny_deviation));
            }
        }
        free(scratch);
    }
    return short_of_memory ? mask__no_memory(err, "text statistics") : MASK_OK;
}

/* z in place. */
static void standardise_texts(const mask__matcher *m, float *scores, size_t count)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < m->lexicon.texts; t++)
        for (size_t i = 0; i < count; i++)
            scores[t * count + i] = (scores[t * count + i] - m->text_mean[t]) / m->text_deviation[t];
}

/* h(i): mean of the largest z(t, i) over the texts [begin, end) of z (texts x count). */
static mask_status image_hubness(mask__matcher *m, const float *z, size_t begin, size_t end, size_t count,
                                 mask_error *err)
{
    enum { TILE = 16 };
    size_t texts = end - begin;
    size_t near = (size_t)m->options.hub_neighbours < texts ? (size_t)m->options.hub_neighbours : texts;
    bool short_of_memory = false;
#pragma omp parallel
    {
        mask__ranked *scratch = malloc((near + 1) * sizeof *scratch);
        float *tile = malloc((texts * TILE + 1) * sizeof *tile); /* image-major, so that each image's scores are one run */
        if (!scratch || !tile) {
#pragma omp atomic write
            short_of_memory = true;
        } else {
#pragma omp for schedule(static)
            for (size_t i0 = 0; i0 < count; i0 += TILE) {
                size_t images = count - i0 < TILE ? count - i0 : TILE;
                for (size_t t = 0; t < texts; t++)
                    for (size_t i = 0; i < images; i++) tile[i * texts + t] = z[(begin + t) * count + i0 + i];
                for (size_t i = 0; i < images; i++)
                    m->hub_image[i0 + i] = (float)mean_of_largest(tile + i * texts, texts, near, scratch);
            }
        }
        free(scratch);
        free(tile);
    }
    return short_of_memory ? mask__no_memory(err, "hubness") : MASK_OK;
}

static void subtract_hubness(const mask__matcher *m, float *scores, size_t count)
{
    const mask_match_options *o = &m->options;
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < m->queries; t++)
        for (size_t i = 0; i < count; i++)
            scores[t * count + i] -= o->hub_image * m->hub_image[i] + o->hub_text * m->hub_text[t];
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
        for (size_t i = 0; at[t] == at[t + 1] && i < count; i++)
            scores[t * count + i] = lowest < FLT_MAX ? lowest : 0;
}

/* Word statistics, combined columns of the images, and S over B (NULL below the text level). */
static mask_status columns_and_statistics(mask__matcher *m, const mask__regions *images, float **over_b, size_t *b_count,
                                          const mask_run *run, mask_error *err)
{
    mask_calibrate level = m->options.calibrate;
    bool background = level != MASK_CALIBRATE_NONE && !m->transductive;
    column_set gallery, b_set;
    mask__regions b = background ? mask__regions_of_background(m->knowledge) : *images;
    *over_b = NULL;
    *b_count = b.count;
    MASK__TRY(raw_columns(m, images, m->columns, &gallery, "columns", run, err));
    if (background) {
        float *pooled = floats(m, m->terms, b.count);
        if (!pooled) return mask__no_memory(err, "columns");
        MASK__TRY(raw_columns(m, &b, pooled, &b_set, "background columns", run, err));
    } else {
        b_set = gallery;
    }
    word_statistics(m->pooled_affine, b_set.pooled, m->terms, b.count, level);
    word_statistics(m->whole_affine, b_set.whole, m->terms, b.count, level);
    combine_columns(m, &gallery);
    if (background) combine_columns(m, &b_set);
    if (level < MASK_CALIBRATE_TEXT || !background) return MASK_OK;
    if (!(*over_b = floats(m, m->lexicon.texts, b.count))) return mask__no_memory(err, "text statistics");
    return raw_scores(m, &b, b_set.pooled, *over_b, "background scores", run, err);
}

mask_status mask__matcher_run(mask__matcher *m, const mask_images *images, float *scores, const mask_run *run,
                              mask_error *err)
{
    mask_calibrate level = m->options.calibrate;
    mask__use_threads(run);
    MASK__TRY(prepare(m, images, err));
    mask__regions regions = mask__regions_of_images(images, &m->knowledge->encoder);
    size_t count = regions.count, texts = m->lexicon.texts, b_count;
    /* T's scores are needed for the images' hubness only; without T the caller's matrix holds all texts. */
    float *all = texts > m->queries ? floats(m, texts, count) : scores, *over_b;
    if (!all) return mask__no_memory(err, "scores");
    MASK__TRY(columns_and_statistics(m, &regions, &over_b, &b_count, run, err));
    MASK__TRY(raw_scores(m, &regions, m->columns, all, "scores", run, err));
    if (level >= MASK_CALIBRATE_TEXT) {
        MASK__TRY(text_statistics(m, m->transductive ? all : over_b, b_count, err));
        standardise_texts(m, all, count);
    }
    if (level >= MASK_CALIBRATE_FULL)
        MASK__TRY(image_hubness(m, all, m->transductive ? 0 : m->queries, texts, count, err));
    if (all != scores) memcpy(scores, all, m->queries * count * sizeof *scores);
    if (level >= MASK_CALIBRATE_FULL) subtract_hubness(m, scores, count);
    sink_empty_texts(m, scores, count);
    return MASK_OK;
}
