#include "match/regionblock.h"
#include "images/images.h"
#include "math/vector.h"

#include <math.h>
#include <string.h>

mask__regions mask__regions_of_images(const mask_images *images, const mask__representation *representation)
{
    return (mask__regions){.images = images,
                           .representation = representation,
                           .count = mask_images_count(images),
                           .dim = representation->out};
}

mask__regions mask__regions_of_background(const mask_knowledge *k)
{
    return (mask__regions){.image_rows = k->background.image_rows,
                           .mu = k->background.mu,
                           .count = k->background.images,
                           .dim = k->info.dim};
}

mask__regions mask__regions_part(const mask__regions *r, size_t first, size_t count)
{
    mask__regions part = *r;
    part.first += first;
    if (r->which) part.which += first;
    if (r->image_rows) part.image_rows += first;
    part.count = count;
    return part;
}

/* An image's number in its set. */
static size_t number(const mask__regions *r, size_t image)
{
    return r->which ? r->which[image] : r->first + image;
}

size_t mask__regions_in(const mask__regions *r, size_t image)
{
    size_t all = r->images ? mask_images_regions(r->images, number(r, image)) : 0;
    if (r->images) return r->most && r->most < all ? r->most : all;
    return (size_t)(r->image_rows[image + 1] - r->image_rows[image]);
}

mask_status mask__region_block_open(mask__region_block *b, const mask__regions *r, size_t max_rows, mask_error *err)
{
    size_t largest = 0;
    for (size_t i = 0; i < r->count; i++)
        if (mask__regions_in(r, i) > largest) largest = mask__regions_in(r, i);
    *b = (mask__region_block){.regions = r, .max_rows = max_rows > largest ? max_rows : largest};
    b->row_of = mask__arena_alloc(&b->arena, b->max_rows + 2, sizeof *b->row_of);
    b->inverse_norms = b->norms = mask__arena_alloc(&b->arena, b->max_rows, sizeof(float));
    if (!b->row_of || !b->norms) return mask__no_memory(err, "columns");
    if (!r->images) return MASK_OK;
    size_t values;
    size_t whole = 0; /* an image is read with all its regions */
    for (size_t i = 0; r->most && i < r->count; i++)
        if (mask_images_regions(r->images, number(r, i)) > whole) whole = mask_images_regions(r->images, number(r, i));
    if (mask__multiply(b->max_rows + whole, r->representation->in, &values))
        b->buffer = mask__arena_alloc(&b->arena, values, sizeof(float));
    if (!b->buffer) return mask__no_memory(err, "columns");
    return mask__encoding_open(&b->encoding, r->representation, b->max_rows, largest, err);
}

void mask__region_block_close(mask__region_block *b)
{
    mask__arena_free(&b->arena);
    mask__encoding_close(&b->encoding);
}

void mask__region_block_extent(mask__region_block *b, size_t most)
{
    b->count = b->rows = 0;
    b->row_of[0] = 0;
    while (b->count < most && b->first + b->count < b->regions->count) {
        size_t regions = mask__regions_in(b->regions, b->first + b->count);
        if (b->count && (b->rows + regions > b->max_rows || b->count >= b->max_rows)) break;
        b->rows += regions;
        b->row_of[++b->count] = b->rows;
    }
}

/* The features of the block's images: where they follow each other in their set they are read at once. */
static mask_status read_features(mask__region_block *b, const float **features, mask_error *err)
{
    const mask__regions *r = b->regions;
    size_t first = number(r, b->first), rows, dim = r->representation->in;
    bool run = !r->most;
    for (size_t i = 0; i < b->count; i++) run = run && number(r, b->first + i) == first + i;
    if (run) return mask__images_block(r->images, first, b->count, b->buffer, features, &rows, err);
    for (size_t i = 0; i < b->count; i++) {
        float *to = b->buffer + b->row_of[i] * dim;
        MASK__TRY(mask__images_block(r->images, number(r, b->first + i), 1, to, features, &rows, err));
        if (*features != to) memcpy(to, *features, (b->row_of[i + 1] - b->row_of[i]) * dim * sizeof *to);
    }
    *features = b->buffer;
    return MASK_OK;
}

mask_status mask__region_block_encode(mask__region_block *b, mask_error *err)
{
    const mask__regions *r = b->regions;
    bool finite = true;
    size_t dim = r->dim;
    if (b->count == 0) return MASK_OK;
    if (r->images) {
        const float *features;
        MASK__TRY(read_features(b, &features, err));
        b->mu = mask__encoding_run(&b->encoding, features, b->row_of, b->count);
    } else {
        b->mu = r->mu + r->image_rows[b->first] * dim;
        if (r->inverse_norms) {
            b->inverse_norms = r->inverse_norms + r->image_rows[b->first];
            return MASK_OK;
        }
    }
    for (size_t row = 0; row < b->rows; row++) {
        float norm = mask__norm(b->mu + row * dim, dim);
        finite = finite && isfinite(norm);
        b->norms[row] = norm > 0 ? 1 / norm : 0;
    }
    for (size_t i = 0; !finite && r->images && i < b->count; i++)
        MASK__TRY(mask__images_refuse(r->images, number(r, b->first + i), err));
    if (finite) return MASK_OK;
    return mask__fail(err, MASK_ENUMERIC, "region features are so large that their norm overflows: scale them down");
}
