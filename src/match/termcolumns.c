#include "match/termcolumns.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <string.h>

static const float scene_mean_weight = 1.5f; /* of the mean region beside the whole-image region in a scene */

mask_status mask__pooled_columns(const mask__column_maker *m, const mask__regions *regions, float *pooled,
                                 mask__term_columns *out, const char *what, mask_error *err)
{
    const mask_match_options *o = m->options;
    mask__pooling pooling = {.mean = o->pool == MASK_POOL_MEAN, .top = o->top};
    bool region = m->whole_region >= 0, any = o->context > 0 || o->scene > 0;
    size_t count = regions->count, z = regions->dim;
    *out = (mask__term_columns){.count = count, .pooled = pooled};
    if (!pooled) return mask__no_memory(err, "columns");
    if (any && region && !(out->whole_region = mask__arena_matrix(m->arena, count, z, sizeof(float))))
        return mask__no_memory(err, "columns");
    if (any && (!region || o->scene > 0) && !(out->mean_region = mask__arena_matrix(m->arena, count, z, sizeof(float))))
        return mask__no_memory(err, "columns");
    mask__summaries summaries = {m->whole_region, out->whole_region, out->mean_region};
    return mask__columns_compute(regions, m->values->prototypes, m->terms, &pooling, pooled, any ? &summaries : NULL,
                                 m->times, what, m->run, err);
}

mask_status mask__whole_columns(const mask__column_maker *m, mask__term_columns *set, mask_error *err)
{
    size_t z = m->knowledge->info.dim, count = set->count;
    const float *from = set->whole_region ? set->whole_region : set->mean_region;
    float *unit = set->unit_whole = mask__arena_matrix(m->arena, count, z, sizeof(float));
    set->whole = mask__arena_matrix(m->arena, m->terms, count, sizeof(float));
    if (!unit || !set->whole) return mask__no_memory(err, "columns");
    memcpy(unit, from, count * z * sizeof *unit);
    for (size_t i = 0; i < count; i++) mask__normalise(unit + i * z, z);
    mask__gemm(false, true, m->terms, count, z, 1, m->values->prototypes, z, unit, z, 0, set->whole, count);
    return MASK_OK;
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

mask_status mask__scene_columns(const mask__column_maker *m, mask__term_columns *set, const float *centre,
                                mask_error *err)
{
    size_t z = m->knowledge->info.dim, count = set->count;
    float *scratch = mask__arena_matrix(m->arena, count, z, sizeof(float)),
          *scenes = set->unit_scenes = mask__arena_matrix(m->arena, count, z, sizeof(float));
    set->scene = mask__arena_matrix(m->arena, m->terms, count, sizeof(float));
    if (!scratch || !scenes || !set->scene) return mask__no_memory(err, "columns");
    mask__scenes_project(m->knowledge->scene_projection, centre, set->mean_region, count, z, scratch, scenes);
    mask__gemm(false, true, m->terms, count, z, 1, m->values->scenes, z, scenes, z, 0, set->scene, count);
    return MASK_OK;
}

void mask__word_affines(const mask__column_maker *m, mask__affine *affines, const float *columns, size_t count)
{
#pragma omp parallel for schedule(static)
    for (size_t w = 0; w < m->terms; w++)
        affines[w] = mask__word_affine(columns ? columns + w * count : NULL, count, m->values->reliability[w],
                                       m->options->calibrate);
}

static void add_column(float *to, float share, const float *from, mask__affine a, size_t count)
{
    for (size_t i = 0; i < count; i++) to[i] += share * ((from[i] - a.mean) * a.scale);
}

/* The weight of the pooled part is 1, or what `region-max` leaves to it. */
void mask__combine_columns(const mask__column_maker *m, const mask__affine *pooled, const mask__affine *whole,
                           const mask__affine *scene, const mask__term_columns *set)
{
    const mask_match_options *o = m->options;
    float share = o->pool == MASK_POOL_REGION_MAX ? 0 : o->pool == MASK_POOL_BOTH ? 0.5f : 1;
    size_t count = set->count;
#pragma omp parallel for schedule(static)
    for (size_t w = 0; w < m->terms; w++) {
        float *c = set->pooled + w * count;
        for (size_t i = 0; i < count; i++) c[i] = share * ((c[i] - pooled[w].mean) * pooled[w].scale);
        if (set->whole) add_column(c, o->context, set->whole + w * count, whole[w], count);
        if (set->scene) add_column(c, o->scene, set->scene + w * count, scene[w], count);
    }
}
