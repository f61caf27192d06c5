/* Images like an image: cosines of scene vectors (of whole-image vectors without scenes), bounded by a scan of their
 * 8-bit codes, the candidates computed in float (select.h). */
#include "search/filter.h"
#include "search/hits.h"
#include "search/scan.h"
#include "search/select.h"
#include "math/vector.h"

#include <math.h>
#include <omp.h>
#include <string.h>

typedef struct likeness {
    const mask_gallery *gallery;
    const float *vector; /* Z, unit */
    bool scenes;         /* which vectors are compared */
    mask__scan_vector codes;
} likeness;

static const float *vectors_of(const likeness *l, size_t segment)
{
    const mask__segment *s = &l->gallery->segments[segment];
    return l->scenes ? s->scenes : s->whole;
}

static void scan_block(const likeness *l, size_t segment, size_t block, const uint64_t *pass,
                       mask__selection *selection)
{
    const mask__segment *s = &l->gallery->segments[segment];
    size_t first = block * MASK__BLOCK, count = s->images - first < MASK__BLOCK ? s->images - first : MASK__BLOCK;
    float upper[MASK__BLOCK], lower[MASK__BLOCK], errors[MASK__BLOCK];
    mask__scan_dots(&l->codes, (l->scenes ? s->scene_codes : s->whole_codes) + first * s->z,
                    (l->scenes ? s->scene_steps : s->whole_steps) + first, count, upper, errors);
    for (size_t i = 0; i < count; i++) {
        lower[i] = upper[i] - errors[i];
        upper[i] += errors[i];
    }
    for (size_t i = count; i < MASK__BLOCK; i++) upper[i] = lower[i] = -INFINITY;
    mask__selection_offer(selection, segment, block, s->images, pass, upper, lower);
}

static void rescore(void *context, const mask__candidate *batch, size_t count, double *scores)
{
    const likeness *l = context;
    for (size_t i = 0; i < count; i++)
        scores[i] =
            (double)mask__dot(vectors_of(l, batch[i].segment) + batch[i].image * l->codes.z, l->vector, l->codes.z);
}

static mask_status find_best(likeness *l, const mask_query *query, size_t segment, size_t image, mask__arena *work,
                             mask__scored **best, size_t *found, mask_results *out, const mask_run *run,
                             mask_error *err)
{
    const mask_gallery *g = l->gallery;
    mask__filter filter;
    int threads = omp_get_max_threads();
    MASK__TRY(mask__filter_make(&filter, g, query, work, run, err));
    /* The image itself is left out: a copy of its segment's bitmap without it. */
    size_t words = (g->segments[segment].images + 63) / 64;
    uint64_t *others = mask__arena_alloc(work, words, sizeof *others), bit = UINT64_C(1) << image % 64;
    mask__selection *parts = mask__arena_alloc(work, (size_t)threads, sizeof *parts);
    if (!others || !parts) return mask__no_memory(err, "a search");
    memcpy(others, filter.pass[segment], words * sizeof *others);
    filter.images -= (others[image / 64] & bit) != 0;
    others[image / 64] &= ~bit;
    filter.pass[segment] = others;
    out->searched = filter.images;
    size_t want = query->k > SIZE_MAX - query->offset ? SIZE_MAX : query->k + query->offset;
    if (want > filter.images) want = filter.images;
    for (int t = 0; t < threads; t++) mask__selection_open(&parts[t], want, query->min_score);
    for (size_t s = 0; s < g->snapshot.segment_count; s++) {
#pragma omp parallel for schedule(static) if (g->segments[s].blocks > 32)
        for (size_t b = 0; b < g->segments[s].blocks; b++)
            scan_block(l, s, b, filter.pass[s], &parts[omp_get_thread_num()]);
    }
    mask_status status = mask__selection_finish(parts, (size_t)threads, &g->snapshot, rescore, l, work, best, found,
                                                &out->rescored, err);
    for (int t = 0; t < threads; t++) mask__selection_close(&parts[t]);
    return status;
}

static mask_status similar(const mask_gallery *g, const char *id, const mask_query *query, mask__arena *work,
                           mask__arena *results, mask_results *out, const mask_run *run, mask_error *err)
{
    size_t segment, image, found, z = g->knowledge->info.dim;
    mask__scored *best;
    if (!mask__snapshot_find(&g->snapshot, id, &segment, &image))
        return mask__fail(err, MASK_ENOTFOUND, MASK_NO_OFFSET, "%s: has no image '%s'", g->path, id);
    likeness l = {.gallery = g, .scenes = g->segments[segment].scenes != NULL};
    if (!vectors_of(&l, segment))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "%s: keeps no vectors of whole images: index again with --context or --scene above 0",
                          g->path);
    l.vector = vectors_of(&l, segment) + image * z;
    int16_t *codes = mask__arena_alloc(work, z, sizeof *codes);
    if (!codes) return mask__no_memory(err, "a search");
    l.codes = mask__scan_vector_of(l.vector, z, codes);
    MASK__TRY(find_best(&l, query, segment, image, work, &best, &found, out, run, err));
    return mask__hits_make(out, g, NULL, best, found, query->offset, results, err);
}

mask_status mask_gallery_similar(const mask_gallery *gallery, const char *id, const mask_query *query,
                                 mask_results *out, const mask_run *run, mask_error *err)
{
    double start = omp_get_wtime();
    mask__arena work = {0}, results = {0};
    *out = (mask_results){0};
    if (isnan(query->min_score))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "the lowest score is not a number");
    MASK__USE_THREADS(mask__threads(run));
    mask_status status = similar(gallery, id, query, &work, &results, out, run, err);
    mask__arena_free(&work);
    out->memory = results.head;
    out->seconds = omp_get_wtime() - start;
    if (status != MASK_OK) mask_results_free(out);
    return status;
}
