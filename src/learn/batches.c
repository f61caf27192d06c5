#include "learn/batches.h"
#include "annotations/labels.h"
#include "nn/random.h"

#include <string.h>

enum { LABELS_A_REGION = 4 };

static size_t regions_of(const mask__batches *b, size_t image)
{
    return mask__labels_start(b->lesson->labels, image + 1) - mask__labels_start(b->lesson->labels, image);
}

static size_t pairs_of(const mask__batches *b, size_t image)
{
    const mask__lesson *l = b->lesson;
    return l->pairs_at[mask__labels_start(l->labels, image + 1)] - l->pairs_at[mask__labels_start(l->labels, image)];
}

mask_status mask__batches_open(mask__batches *b, const mask__lesson *lesson, size_t batch, uint64_t seed,
                               mask_error *err)
{
    *b = (mask__batches){.lesson = lesson, .seed = seed, .images = mask_labels_images(lesson->labels)};
    size_t most_pairs = 0, regions = mask_labels_regions(lesson->labels);
    for (size_t i = 0; i < b->images; i++) {
        if (regions_of(b, i) > b->largest) b->largest = regions_of(b, i);
        if (pairs_of(b, i) > most_pairs) most_pairs = pairs_of(b, i);
    }
    if (batch > regions) batch = regions;
    b->max_rows = b->largest > batch ? b->largest : batch;
    b->max_pairs = LABELS_A_REGION * b->max_rows;
    if (b->max_pairs < most_pairs) b->max_pairs = most_pairs;
    if (b->max_pairs > UINT32_MAX)
        return mask__fail(err, MASK_EINVAL, "%s: an image of %zu regions is too large for training",
                          mask__labels_path(lesson->labels), b->largest);
    b->order = mask__arena_alloc(&b->arena, b->images, sizeof *b->order);
    b->offsets = mask__arena_alloc(&b->arena, b->max_rows + 1, sizeof *b->offsets);
    b->pairs = mask__arena_alloc(&b->arena, b->max_pairs, sizeof *b->pairs);
    if (b->order && b->offsets && b->pairs) return MASK_OK;
    mask__batches_close(b);
    return mask__no_memory(err, "a training batch: take a smaller one");
}

void mask__batches_close(mask__batches *b)
{
    mask__arena_free(&b->arena);
    *b = (mask__batches){0};
}

void mask__batches_seek(mask__batches *b, size_t epoch, size_t at)
{
    for (size_t i = 0; i < b->images; i++) b->order[i] = i;
    mask__shuffle(b->order, b->images, mask__random(b->seed, epoch));
    b->at = at;
    b->count = b->rows = b->pair_count = 0;
}

static void add_image(mask__batches *b, size_t image)
{
    const mask__lesson *l = b->lesson;
    size_t first = mask__labels_start(l->labels, image), end = mask__labels_start(l->labels, image + 1);
    for (size_t r = first; r < end; r++)
        for (size_t p = l->pairs_at[r]; p < l->pairs_at[r + 1]; p++)
            if (l->pairs[p] != MASK__NOT_FOUND)
                b->pairs[b->pair_count++] = (mask__label){(uint32_t)(b->rows + r - first), l->pairs[p]};
    b->rows += end - first;
    b->offsets[++b->count] = b->rows;
}

bool mask__batches_next(mask__batches *b, size_t batch)
{
    b->count = b->rows = b->pair_count = 0;
    b->offsets[0] = 0;
    for (; b->at < b->images; b->at++) {
        size_t image = b->order[b->at];
        if (b->count && (b->rows + regions_of(b, image) > batch || b->pair_count + pairs_of(b, image) > b->max_pairs))
            break;
        add_image(b, image);
    }
    return b->count > 0;
}

mask_status mask__batches_features(const mask__batches *b, float *features, mask_error *err)
{
    size_t dim = mask_labels_dim(b->lesson->labels);
    for (size_t i = 0; i < b->count; i++) {
        size_t image = b->order[b->at - b->count + i], rows = b->offsets[i + 1] - b->offsets[i];
        float *to = features + b->offsets[i] * dim;
        const float *from;
        MASK__TRY(
            mask__labels_block(b->lesson->labels, mask__labels_start(b->lesson->labels, image), rows, to, &from, err));
        if (from != to) memcpy(to, from, rows * dim * sizeof *to);
    }
    return MASK_OK;
}
