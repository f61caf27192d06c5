#include "match/termcolumns.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>
#include <string.h>

static const float scene_mean_weight = 1.5f; /* of the mean region beside the whole-image region in a scene */

/* ---- Columns ---- */

static mask_status pooled_columns(const mask__column_maker *m, const mask__regions *regions, mask__term_columns *set,
                                  const char *what, mask_error *err)
{
    const mask_match_options *o = m->options;
    mask__pooling pooling = {.mean = o->pool == MASK_POOL_MEAN, .top = o->top};
    bool region = m->whole_region >= 0, scenes = o->scene > 0 && !set->unit_scenes;
    bool whole = o->context > 0 && !set->unit_whole, any = scenes || whole;
    size_t count = regions->count, z = regions->dim;
    if (any && region && !(set->whole_region = mask__arena_matrix(m->arena, count, z, sizeof(float))))
        return mask__no_memory(err, "columns");
    if (any && (!region || scenes) && !(set->mean_region = mask__arena_matrix(m->arena, count, z, sizeof(float))))
        return mask__no_memory(err, "columns");
    if (whole && region && !(set->whole = mask__arena_matrix(m->arena, m->terms, count, sizeof(float))))
        return mask__no_memory(err, "columns");
    mask__summaries summaries = {m->whole_region, set->whole_region, set->mean_region, set->whole};
    return mask__columns_compute(regions, &m->prototypes, &pooling, set->pooled, any ? &summaries : NULL, m->times,
                                 what, m->run, err);
}

/* Cosines of the terms' vectors with those of the images. */
static mask_status multiply(const mask__column_maker *m, const mask__word_rows *terms, const float *images,
                            size_t count, float **out, mask_error *err)
{
    size_t z = m->knowledge->info.dim;
    float *to = *out = mask__arena_matrix(m->arena, m->terms, count, sizeof(float));
    if (!to) return mask__no_memory(err, "columns");
    for (int run = 0; run < 2; to += terms->count[run++] * count)
        if (m->terms == 1 && terms->count[run]) mask__dot_rows(terms->rows[run], images, count, z, to);
        else if (terms->count[run])
            mask__gemm(false, true, terms->count[run], count, z, 1, terms->rows[run], z, images, z, 0, to, count);
    return MASK_OK;
}

static mask_status whole_columns(const mask__column_maker *m, mask__term_columns *set, mask_error *err)
{
    size_t z = m->knowledge->info.dim, count = set->count;
    const float *from = set->whole_region ? set->whole_region : set->mean_region;
    if (!set->unit_whole) {
        float *unit = mask__arena_matrix(m->arena, count, z, sizeof(float));
        if (!unit) return mask__no_memory(err, "columns");
        memcpy(unit, from, count * z * sizeof *unit);
        for (size_t i = 0; i < count; i++) mask__normalise(unit + i * z, z);
        set->unit_whole = unit;
    }
    return set->whole ? MASK_OK : multiply(m, &m->prototypes, set->unit_whole, count, &set->whole, err);
}

void mask__describe_scenes(float *mean_region, const float *whole_region, size_t values)
{
    for (size_t i = 0; whole_region && i < values; i++)
        mean_region[i] = scene_mean_weight * mean_region[i] + whole_region[i];
}

void mask__scene_centre(const mask__column_maker *m, const mask__term_columns *b, float *centre)
{
    size_t z = m->knowledge->info.dim;
    float share = m->whole_region >= 0 ? scene_mean_weight + 1 : 1;
    for (size_t d = 0; d < z; d++) {
        double sum = 0;
        for (size_t i = 0; i < b->count; i++) sum += b->mean_region[i * z + d];
        centre[d] = m->options->calibrate == MASK_CALIBRATE_NONE ? share * m->knowledge->scene_mean[d]
                                                                 : (float)(sum / (double)b->count);
    }
}

static mask_status scene_columns(const mask__column_maker *m, mask__term_columns *set, float *centre, bool find_centre,
                                 mask_error *err)
{
    size_t z = m->knowledge->info.dim, count = set->count;
    if (!set->unit_scenes) {
        float *scratch = mask__arena_matrix(m->arena, count, z, sizeof(float)),
              *scenes = mask__arena_matrix(m->arena, count, z, sizeof(float));
        if (!scratch || !scenes) return mask__no_memory(err, "columns");
        mask__describe_scenes(set->mean_region, set->whole_region, count * z);
        if (find_centre) mask__scene_centre(m, set, centre);
        mask__scenes_project(m->knowledge->scene_projection, centre, set->mean_region, count, z, scratch, scenes);
        set->unit_scenes = scenes;
    }
    return multiply(m, &m->scenes, set->unit_scenes, count, &set->scene, err);
}

mask_status mask__term_columns_make(const mask__column_maker *m, const mask__regions *regions, float *pooled,
                                    float *centre, bool find_centre, mask__term_columns *out, const char *what,
                                    mask_error *err)
{
    out->count = regions->count;
    out->pooled = pooled;
    if (!pooled) return mask__no_memory(err, "columns");
    MASK__TRY(pooled_columns(m, regions, out, what, err));
    if (m->options->context > 0) MASK__TRY(whole_columns(m, out, err));
    return m->options->scene > 0 ? scene_columns(m, out, centre, find_centre, err) : MASK_OK;
}

/* ---- c_w(i) ---- */

bool mask__affines_make(mask__term_affines *out, const mask_match_options *o, size_t terms, mask__arena *arena)
{
    *out = (mask__term_affines){.pooled = mask__arena_alloc(arena, terms, sizeof *out->pooled)};
    if (o->context > 0) out->whole = mask__arena_alloc(arena, terms, sizeof *out->whole);
    if (o->scene > 0) out->scene = mask__arena_alloc(arena, terms, sizeof *out->scene);
    return out->pooled && (out->whole || !(o->context > 0)) && (out->scene || !(o->scene > 0));
}

static mask__affine affine_of(const mask__column_maker *m, const float *columns, size_t count, size_t w, float weight)
{
    mask__affine a =
        mask__word_affine(columns ? columns + w * count : NULL, count, m->reliability[w], m->options->calibrate);
    a.scale *= weight;
    return a;
}

void mask__affines_find(const mask__column_maker *m, const mask__term_columns *b, const mask__term_affines *out)
{
#pragma omp parallel for schedule(static) if (m->terms > 1)
    for (size_t w = 0; w < m->terms; w++) {
        out->pooled[w] = affine_of(m, b->pooled, b->count, w, 1);
        if (out->whole) out->whole[w] = affine_of(m, b->whole, b->count, w, m->options->context);
        if (out->scene) out->scene[w] = affine_of(m, b->scene, b->count, w, m->options->scene);
    }
}

static void add_column(float *to, const float *from, mask__affine a, size_t count)
{
    for (size_t i = 0; i < count; i++) to[i] += (from[i] - a.mean) * a.scale;
}

void mask__combine_columns(const mask__column_maker *m, const mask__term_affines *affines,
                           const mask__term_columns *set)
{
    size_t count = set->count;
    bool pooled = m->options->pool != MASK_POOL_REGION_MAX;
#pragma omp parallel for schedule(static) if (m->terms > 1)
    for (size_t w = 0; w < m->terms; w++) {
        float *c = set->pooled + w * count;
        mask__affine a = affines->pooled[w];
        for (size_t i = 0; i < count; i++) c[i] = pooled ? (c[i] - a.mean) * a.scale : 0;
        if (set->whole) add_column(c, set->whole + w * count, affines->whole[w], count);
        if (set->scene) add_column(c, set->scene + w * count, affines->scene[w], count);
    }
}

/* ---- S(t,i) ---- */

void mask__find_shares(const mask__text_list *texts, const float *weights, float *shares)
{
    for (size_t t = 0; t < texts->count; t++) {
        float total = 0;
        for (size_t p = texts->at[t]; p < texts->at[t + 1]; p++) total += weights[texts->terms[p]];
        for (size_t p = texts->at[t]; p < texts->at[t + 1]; p++)
            shares[p] = total > 0 ? weights[texts->terms[p]] / total : 0;
    }
}

void mask__text_means(const mask__text_list *texts, const float *columns, size_t count, float *out, size_t stride)
{
#pragma omp parallel for schedule(dynamic, 16) if (texts->count > 1)
    for (size_t t = 0; t < texts->count; t++) {
        float *row = out + t * stride;
        memset(row, 0, count * sizeof *row);
        for (size_t p = texts->at[t]; p < texts->at[t + 1]; p++)
            if (count == 1) row[0] += texts->shares[p] * columns[texts->terms[p]]; /* a call would cost more */
            else mask__axpy(texts->shares[p], columns + texts->terms[p] * count, row, count);
    }
}

typedef struct region_job {
    const mask__affine *pooled;
    const mask__text_sums *sums;
} region_job;

static double region_max(const region_job *j, const mask__text_list *l, size_t t, const float *cosines, size_t regions)
{
    double sum = 0;
    for (size_t r = 0; l->at[t] < l->at[t + 1] && r < regions; r++) {
        float best = -INFINITY;
        for (size_t p = l->at[t]; p < l->at[t + 1]; p++) {
            mask__affine a = j->pooled[l->terms[p]];
            float x = (cosines[l->terms[p] * regions + r] - a.mean) * a.scale;
            if (x > best) best = x;
        }
        sum += best;
    }
    return regions ? sum / (double)regions : 0;
}

static void add_image(void *context, size_t image, const float *cosines, size_t regions)
{
    const region_job *j = context;
    for (int side = 0; side < 2; side++)
        for (size_t t = 0; t < j->sums[side].texts.count; t++)
            j->sums[side].out[t * j->sums[side].stride + image] +=
                (float)region_max(j, &j->sums[side].texts, t, cosines, regions);
}

mask_status mask__add_region_max(const mask__column_maker *m, const mask__affine *pooled, const mask__regions *regions,
                                 const mask__text_sums sums[2], const char *what, mask_error *err)
{
    region_job job = {pooled, sums};
    if (m->options->pool != MASK_POOL_REGION_MAX) return MASK_OK;
    return mask__columns_visit(regions, &m->prototypes, add_image, &job, m->times, what, m->run, err);
}
