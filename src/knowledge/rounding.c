#include "knowledge/rounding.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>

mask_status mask_knowledge_round(mask_knowledge *k, mask_error *err)
{
    mask__background *b = &k->background;
    size_t dim = k->info.dim, rows = b->images ? b->image_rows[b->images] : 0;
    if (!b->images)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "a knowledge without a background has nothing to round");
    float *mu = mask__arena_alloc(&k->arena, rows * dim, sizeof *mu);
    uint8_t *codes = malloc(dim);
    mask_status status = mu && codes ? MASK_OK : mask__no_memory(err, "the background");
    for (size_t r = 0; status == MASK_OK && r < rows; r++)
        mask__from_bytes(codes, mask__to_bytes(b->mu + r * dim, dim, codes), dim, mu + r * dim);
    free(codes);
    if (status != MASK_OK) return status;
    b->mu = mu;
    b->rounded = true;
    return MASK_OK;
}

mask_status mask__background_put_codes(mask__pack_writer *w, const mask_knowledge *k, mask_error *err)
{
    const mask__background *b = &k->background;
    size_t dim = k->info.dim, rows = b->image_rows[b->images];
    uint8_t *codes = malloc(rows * dim);
    float *scales = malloc(rows * sizeof *scales);
    mask_status status = codes && scales ? MASK_OK : mask__no_memory(err, "the background");
    for (size_t r = 0; status == MASK_OK && r < rows; r++)
        scales[r] = mask__to_bytes(b->mu + r * dim, dim, codes + r * dim);
    if (status == MASK_OK)
        status = mask__pack_add(w, "background.codes", MASK__U8, 2, (uint64_t[]){rows, dim}, codes, err);
    if (status == MASK_OK)
        status = mask__pack_add(w, "background.scales", MASK__F32, 1, (uint64_t[]){rows}, scales, err);
    free(codes);
    free(scales);
    return status;
}

mask_status mask__background_get_codes(mask_knowledge *k, size_t *rows, mask_error *err)
{
    const mask__tensor *codes, *scales;
    size_t dim = k->info.dim;
    MASK__TRY(mask__pack_get(&k->pack, "background.codes", MASK__U8, 2, (uint64_t[]){0, dim}, &codes, err));
    MASK__TRY(mask__pack_get(&k->pack, "background.scales", MASK__F32, 1, (uint64_t[]){codes->shape[0]}, &scales, err));
    *rows = codes->shape[0];
    float *mu = mask__arena_alloc(&k->arena, *rows * dim, sizeof *mu);
    if (!mu) return mask__no_memory(err, k->pack.path);
    const uint8_t *code = codes->data;
    const float *scale = scales->data;
    for (size_t r = 0; r < *rows; r++) {
        if (!isfinite(scale[r]) || scale[r] < 0)
            return mask__fail(err, MASK_EFORMAT, scales->offset + r * sizeof *scale,
                              "%s: 'background.scales' holds a value out of range: make it again", k->pack.path);
        mask__from_bytes(code + r * dim, scale[r], dim, mu + r * dim);
    }
    k->background.mu = mu;
    k->background.rounded = true;
    return MASK_OK;
}
