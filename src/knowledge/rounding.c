#include "knowledge/rounding.h"
#include "math/vector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static mask_status round_matrix(mask_knowledge *k, const float **values, size_t rows, size_t dim, mask_error *err)
{
    if (!*values || !rows || !dim) return MASK_OK;
    float *to = mask__arena_alloc(&k->arena, rows * dim, sizeof *to);
    MASK__FREED uint8_t *codes = malloc(dim);
    if (!to || !codes) return mask__no_memory(err, "a rounded knowledge");
    for (size_t r = 0; r < rows; r++)
        mask__from_bytes(codes, mask__to_bytes(*values + r * dim, dim, codes), dim, to + r * dim);
    *values = to;
    return MASK_OK;
}

mask_status mask_knowledge_round(mask_knowledge *k, mask_error *err)
{
    mask__background *b = &k->background;
    size_t words = k->info.words, z = k->info.dim, n = k->info.vector_dim;
    MASK__TRY(round_matrix(k, &k->word_vectors, words, n, err));
    MASK__TRY(round_matrix(k, &k->prototypes, words, z, err));
    MASK__TRY(round_matrix(k, &k->scene_prototypes, words, z, err));
    MASK__TRY(round_matrix(k, &b->mu, b->images ? b->image_rows[b->images] : 0, z, err));
    MASK__TRY(round_matrix(k, &b->word_vectors, b->words.count, n, err));
    MASK__TRY(round_matrix(k, &b->known_company, words, b->company_dim, err));
    MASK__TRY(round_matrix(k, &b->company, b->words.count, b->company_dim, err));
    k->rounded = true;
    return MASK_OK;
}

static void name_scales(char name[MASK__NAME_BYTES], const char *matrix)
{
    snprintf(name, MASK__NAME_BYTES, "%s.scales", matrix);
}

mask_status mask__matrix_put(mask__pack_writer *w, const mask_knowledge *k, const char *name, size_t rows, size_t dim,
                             const float *values, mask_error *err)
{
    const uint64_t shape[] = {rows, dim};
    char scales_name[MASK__NAME_BYTES];
    if (!k->rounded) return mask__pack_add(w, name, MASK__F32, 2, shape, values, err);
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    uint8_t *codes = mask__arena_alloc(&work, rows * dim, 1);
    float *scales = mask__arena_alloc(&work, rows, sizeof *scales);
    if (work.lost) return mask__no_memory(err, name);
    for (size_t r = 0; r < rows; r++) scales[r] = mask__to_bytes(values + r * dim, dim, codes + r * dim);
    name_scales(scales_name, name);
    MASK__TRY(mask__pack_add(w, name, MASK__U8, 2, shape, codes, err));
    return mask__pack_add(w, scales_name, MASK__F32, 1, shape, scales, err);
}

mask_status mask__matrix_get(mask_knowledge *k, const char *name, size_t *rows, size_t *dim, const float **values,
                             mask_error *err)
{
    const mask__tensor *t = mask__pack_find(&k->pack, name), *scales;
    char scales_name[MASK__NAME_BYTES];
    bool bytes = t && t->dtype == MASK__U8;
    MASK__TRY(mask__pack_get(&k->pack, name, bytes ? MASK__U8 : MASK__F32, 2, (uint64_t[]){*rows, *dim}, &t, err));
    *rows = t->shape[0];
    *dim = t->shape[1];
    *values = t->data;
    if (!bytes) return MASK_OK;
    name_scales(scales_name, name);
    MASK__TRY(mask__pack_get(&k->pack, scales_name, MASK__F32, 1, (uint64_t[]){*rows}, &scales, err));
    const uint8_t *codes = t->data;
    const float *scale = scales->data;
    float *to = mask__arena_alloc(&k->arena, *rows * *dim, sizeof *to);
    if (!to) return mask__no_memory(err, k->pack.path);
    for (size_t r = 0; r < *rows; r++) {
        if (!isfinite(scale[r]) || scale[r] < 0)
            return mask__fail_at(err, MASK_EFORMAT, scales->offset + r * sizeof *scale,
                                 "%s: '%s' holds a value out of range: make it again", k->pack.path, scales_name);
        mask__from_bytes(codes + r * *dim, scale[r], *dim, to + r * *dim);
    }
    *values = to;
    k->rounded = true;
    return MASK_OK;
}
