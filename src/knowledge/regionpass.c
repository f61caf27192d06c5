#include "regionpass.h"
#include "dataset/labels.h"

enum { BLOCK_ROWS = 4096 };

/* The end of a block that starts at `first`: whole images, as many as fit. */
static size_t block_end(const mask_labels *labels, size_t first, size_t regions)
{
    size_t end = first + BLOCK_ROWS;
    if (end >= regions) return regions;
    while (end > first && mask__labels_image(labels, end) == mask__labels_image(labels, end - 1)) end--;
    if (end > first) return end;
    for (end = first + BLOCK_ROWS; end < regions; end++) /* one image larger than a block */
        if (mask__labels_image(labels, end) != mask__labels_image(labels, end - 1)) break;
    return end;
}

static size_t largest_block(const mask_labels *labels, size_t regions)
{
    size_t most = 0;
    for (size_t first = 0, end; first < regions; first = end) {
        end = block_end(labels, first, regions);
        if (end - first > most) most = end - first;
    }
    return most;
}

mask_status mask__region_pass(const mask_labels *labels, const mask__encoder *encoder, const char *what,
                              mask__region_visitor *visit, void *context, const mask_run *run, mask_error *err)
{
    size_t regions = mask_labels_regions(labels), most = largest_block(labels, regions);
    mask__arena work = {0};
    float *buffer = mask__arena_alloc(&work, most * encoder->in, sizeof *buffer);
    float *scratch = mask__arena_alloc(&work, most * encoder->in, sizeof *scratch);
    float *mu = mask__arena_alloc(&work, most * encoder->out, sizeof *mu);
    mask_status status = buffer && scratch && mu ? MASK_OK : mask__no_memory(err, what);
    for (size_t first = 0, end; status == MASK_OK && first < regions; first = end) {
        const float *features;
        end = block_end(labels, first, regions);
        status = mask__progress(run, what, "regions", first, regions, err);
        if (status == MASK_OK) status = mask__labels_block(labels, first, end - first, buffer, &features, err);
        if (status == MASK_OK)
            visit(context, first, end - first, mask__encoder_apply(encoder, features, end - first, scratch, mu));
    }
    mask__arena_free(&work);
    return status;
}
