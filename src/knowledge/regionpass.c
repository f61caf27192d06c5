#include "knowledge/regionpass.h"
#include "annotations/labels.h"

enum { BLOCK_ROWS = 4096 };

/* Images [first, end) of a block: as many as fit, at least one. */
static size_t block_end(const mask_labels *labels, size_t first)
{
    size_t end = first + 1, images = mask_labels_images(labels), start = mask__labels_start(labels, first);
    while (end < images && mask__labels_start(labels, end + 1) - start <= BLOCK_ROWS) end++;
    return end;
}

static size_t largest_image(const mask_labels *labels)
{
    size_t most = 0;
    for (size_t i = 0; i < mask_labels_images(labels); i++) {
        size_t regions = mask__labels_start(labels, i + 1) - mask__labels_start(labels, i);
        if (regions > most) most = regions;
    }
    return most;
}

mask_status mask__region_pass(const mask_labels *labels, const mask__representation *representation, const char *what,
                              mask__region_visitor *visit, void *context, const mask_run *run, mask_error *err)
{
    size_t images = mask_labels_images(labels), largest = largest_image(labels);
    size_t most = largest > BLOCK_ROWS ? largest : BLOCK_ROWS;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    MASK__CLOSED(mask__encoding_close) mask__encoding encoding = {0};
    float *buffer = mask__arena_alloc(&work, most * representation->in, sizeof *buffer);
    size_t *offsets = mask__arena_alloc(&work, most + 1, sizeof *offsets);
    if (work.lost) return mask__no_memory(err, what);
    MASK__TRY(mask__encoding_open(&encoding, representation, most, largest, err));
    for (size_t image = 0, end, block = 0; image < images; image = end, block++) {
        const float *features;
        size_t first = mask__labels_start(labels, image);
        end = block_end(labels, image);
        if (block % mask__team_size(run) != mask__team_rank(run)) continue;
        for (size_t i = image; i <= end; i++) offsets[i - image] = mask__labels_start(labels, i) - first;
        size_t rows = offsets[end - image];
        MASK__TRY(mask__progress(run, what, "regions", first, mask_labels_regions(labels), err));
        MASK__TRY(mask__labels_block(labels, first, rows, buffer, &features, err));
        visit(context, first, rows, mask__encoding_run(&encoding, features, offsets, end - image));
    }
    return MASK_OK;
}
