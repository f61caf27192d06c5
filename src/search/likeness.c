#include "search/likeness.h"
#include "images/images.h"
#include "match/regionblock.h"
#include "math/vector.h"

#include <math.h>
#include <string.h>

/* Segments keep at least one of them: they follow from the options. */
static const float *vector_in(const mask__image_vectors *x)
{
    return x->scene ? x->scene : x->whole;
}

/* ---- From images ---- */

static mask_status check_features(const mask__view *v, const mask_images *images, size_t image, mask_error *err)
{
    const char *path = mask__images_path(images);
    if (image >= mask_images_count(images)) return mask__fail(err, MASK_EINVAL, "%s: has no image %zu", path, image);
    MASK__TRY(mask__knowledge_check_images(v->knowledge, images, err));
    if (v->options.whole_region >= 0 && mask_images_regions(images, image) <= (size_t)v->options.whole_region)
        return mask__fail(err, MASK_EMISMATCH,
                          "%s: image %zu has no region %d, which is the whole image in this gallery", path, image,
                          v->options.whole_region);
    return MASK_OK;
}

/* The mean of a block's unit regions and its whole-image vector, and from them what the index would keep. */
static mask_status summarise(const mask__view *v, const mask__region_block *b, mask__arena *arena, float *out,
                             mask_error *err)
{
    size_t z = v->knowledge->info.dim;
    int region = v->options.whole_region;
    float *mean = mask__arena_alloc(arena, 2 * z, sizeof *mean);
    if (!mean) return mask__no_memory(err, "an image");
    float *whole = region >= 0 ? mean + z : mean;
    for (size_t r = 0; r < b->rows; r++) mask__axpy(b->inverse_norms[r] / (float)b->rows, b->mu + r * z, mean, z);
    if (region >= 0) mask__axpy(b->inverse_norms[region], b->mu + (size_t)region * z, whole, z);
    if (v->options.scene > 0)
        return mask__calibration_scenes(v->calibration, mean, region >= 0 ? whole : NULL, 1, out, err);
    memcpy(out, whole, z * sizeof *out);
    mask__normalise(out, z);
    return MASK_OK;
}

static mask_status vector_of_features(const mask__view *v, const mask_images *images, size_t image, mask__arena *arena,
                                      const float **out, mask_error *err)
{
    mask__region_block block;
    mask__regions regions = mask__regions_of_images(images, &v->knowledge->representation);
    float *vector = mask__arena_alloc(arena, v->knowledge->info.dim, sizeof *vector);
    if (!vector) return mask__no_memory(err, "an image");
    MASK__TRY(check_features(v, images, image, err));
    regions.which = &image;
    regions.count = 1;
    mask_status status = mask__region_block_open(&block, &regions, 1, err);
    if (status == MASK_OK) mask__region_block_extent(&block, 1);
    if (status == MASK_OK) status = mask__region_block_encode(&block, err);
    if (status == MASK_OK) status = summarise(v, &block, arena, vector, err);
    mask__region_block_close(&block);
    *out = vector;
    return status;
}

static mask_status vector_of(const mask__view *v, const mask_query_image *from, mask__arena *arena, const float **out,
                             mask_error *err)
{
    size_t segment, image;
    if (!from->id && !from->images) return mask__fail(err, MASK_EINVAL, "an image of a query needs an id or images");
    if (!from->id) return vector_of_features(v, from->images, from->image, arena, out, err);
    if (!mask__snapshot_find(&v->snapshot, from->id, &segment, &image))
        return mask__fail(err, MASK_ENOTFOUND, "%s: has no image '%s'", v->path, from->id);
    const mask__segment *s = &v->segments[segment];
    float *scratch = mask__arena_alloc(arena, mask__segment_scratch(s, 1), sizeof *scratch);
    if (!scratch) return mask__no_memory(err, "an image");
    mask__image_vectors vectors = mask__segment_image(s, image, scratch);
    *out = vector_in(&vectors);
    return MASK_OK;
}

mask_status mask__likeness_make(mask__likeness *out, const mask__view *v, const mask_query *query, mask__arena *arena,
                                mask_error *err)
{
    size_t z = v->knowledge->info.dim;
    *out = (mask__likeness){0};
    for (size_t i = 0; i < query->image_count; i++) {
        if (!isfinite(query->images[i].weight))
            return mask__fail(err, MASK_EINVAL, "image %zu of the query: its weight must be finite", i + 1);
        out->scale += fabs((double)query->images[i].weight);
    }
    if (query->image_count == 0) return MASK_OK;
    float *sum = mask__arena_alloc(arena, z, sizeof *sum);
    int16_t *codes = mask__arena_alloc(arena, z, sizeof *codes);
    if (!sum || !codes) return mask__no_memory(err, "a search");
    for (size_t i = 0; i < query->image_count; i++) {
        const float *vector = NULL;
        MASK__TRY(vector_of(v, &query->images[i], arena, &vector, err));
        /* One image keeps its bits: its share is 1 or -1. */
        double share = out->scale > 0 ? (double)query->images[i].weight / out->scale : 0;
        mask__axpy((float)share, vector, sum, z);
    }
    out->vector = sum;
    out->codes = mask__scan_vector_of(sum, z, codes);
    return MASK_OK;
}

/* ---- Scores ---- */

void mask__likeness_widen(const mask__likeness *l, const mask__segment *s, size_t block, float *upper, float *lower)
{
    size_t first = block * MASK__BLOCK, count = s->images - first < MASK__BLOCK ? s->images - first : MASK__BLOCK;
    float dots[MASK__BLOCK], errors[MASK__BLOCK];
    if (l->scale == 0) return;
    mask__scan_dots(&l->codes, (s->scene_codes ? s->scene_codes : s->whole_codes) + first * s->z,
                    (s->scene_steps ? s->scene_steps : s->whole_steps) + first, count, dots, errors);
    for (size_t i = 0; i < count; i++) {
        double middle = l->scale * (double)dots[i], off = l->scale * (double)errors[i];
        double high = (double)upper[i] + middle + off, low = (double)lower[i] + middle - off;
        /* The bounds become floats again, and sums of doubles are rounded too. */
        double most = fabs((double)upper[i]) + fabs((double)lower[i]) + l->scale;
        upper[i] = (float)(high + 2 * MASK__ROUNDING * fabs(high) + 1e-12 * most);
        lower[i] = (float)(low - 2 * MASK__ROUNDING * fabs(low) - 1e-12 * most);
    }
}

double mask__likeness_score(const mask__likeness *l, const mask__image_vectors *image, size_t z)
{
    return l->scale > 0 ? l->scale * (double)mask__dot(vector_in(image), l->vector, z) : 0;
}
