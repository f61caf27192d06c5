/* Whether a benchmark's images are in the background their scores are compared with: told by content, whatever files
 * and ids are called, and although a background may be rounded to bytes. */
#include "match/regionblock.h"
#include "base/error.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

/* REGIONS: of each image that are compared. All take as long as their scores. */
enum { ROWS = 4096, REGIONS = 4 };
static const float alike = 0.999f; /* cosine; rounding to bytes leaves more, other photos are far below */

/* The direction of the mean of the first `most` regions of each image of a block. */
static void directions(const mask__region_block *b, size_t most, float *out)
{
    size_t z = b->regions->dim;
    memset(out, 0, b->count * z * sizeof *out);
    for (size_t i = 0; i < b->count; i++) {
        for (size_t r = b->row_of[i]; r < b->row_of[i + 1] && r < b->row_of[i] + most; r++)
            mask__axpy(b->inverse_norms[r], b->mu + r * z, out + i * z, z);
        (void)mask__normalise(out + i * z, z);
    }
}

/* Directions of a whole set: count x Z. */
static mask_status all_directions(const mask__regions *regions, size_t most, float *out, const mask_run *run,
                                  mask_error *err)
{
    mask__region_block b;
    mask_status status = mask__region_block_open(&b, regions, ROWS, err);
    for (; status == MASK_OK && b.first < regions->count; b.first += b.count) {
        mask__region_block_extent(&b, regions->count);
        status = mask__progress(run, "leak check", "images", b.first, regions->count, err);
        if (status == MASK_OK) status = mask__region_block_encode(&b, err);
        if (status == MASK_OK) directions(&b, most, out + b.first * regions->dim);
    }
    mask__region_block_close(&b);
    return status;
}

static bool is_among(const float *cosines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cosines[i] > alike) return true;
    return false;
}

mask_status mask_knowledge_seen(size_t *seen, const mask_knowledge *k, const mask_images *images, const mask_run *run,
                                mask_error *err)
{
    mask__regions sets[] = {mask__regions_of_background(k), mask__regions_of_images(images, &k->representation)};
    mask__arena work = {0};
    size_t background = k->background.images, z = k->info.dim, most = REGIONS;
    *seen = 0;
    if (!background || mask_images_dim(images) != k->representation.in) return MASK_OK;
    if (k->representation.kind == MASK_REPRESENTATION_MASK) most = SIZE_MAX; /* a region's depends on the others */
    else sets[1].most = most;
    MASK__USE_THREADS(mask__threads(run));
    float *theirs = mask__arena_alloc(&work, background * z, sizeof *theirs);
    float *ours = mask__arena_alloc(&work, sets[1].count * z, sizeof *ours);
    float *cosines = mask__arena_alloc(&work, ROWS * background, sizeof *cosines);
    mask_status status = theirs && ours && cosines ? MASK_OK : mask__no_memory(err, "the leak check");
    if (status == MASK_OK) status = all_directions(&sets[0], most, theirs, run, err);
    if (status == MASK_OK) status = all_directions(&sets[1], most, ours, run, err);
    for (size_t first = 0; status == MASK_OK && first < sets[1].count; first += ROWS) {
        size_t count = sets[1].count - first < ROWS ? sets[1].count - first : ROWS;
        mask__gemm(false, true, count, background, z, 1, ours + first * z, z, theirs, z, 0, cosines, background);
        for (size_t i = 0; i < count; i++) *seen += is_among(cosines + i * background, background);
    }
    mask__arena_free(&work);
    return status;
}
