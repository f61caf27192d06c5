#include "gallery/segment.h"
#include "gallery/stored.h"

#include <string.h>

const char *const mask__whole_names[3] = {"whole", "whole.codes", "whole.steps"};
const char *const mask__scene_names[3] = {"scenes", "scenes.codes", "scenes.steps"};

static mask_status refuse(const mask__segment *s, const mask__tensor *t, const char *what, mask_error *err)
{
    return mask__fail_at(err, MASK_EFORMAT, t->offset,
                         "%s: byte %llu: %s: remove the segment's images and add them again", s->pack.path,
                         (unsigned long long)t->offset, what);
}

/* Images, rows, words, dimensions: what the other tensors must agree with. */
static mask_status get_sizes(mask__segment *s, size_t *rows, mask_error *err)
{
    const mask__tensor *at, *mu = mask__pack_find(&s->pack, "mu"), *steps, *pooled;
    s->type = mu && (mu->dtype == MASK__F16 || mu->dtype == MASK__U8) ? mu->dtype : MASK__F32;
    MASK__TRY(mask__pack_get(&s->pack, "image_rows", MASK__U64, 1, (uint64_t[]){0}, &at, err));
    MASK__TRY(mask__pack_get(&s->pack, "mu", s->type, 2, (uint64_t[]){0, 0}, &mu, err));
    MASK__TRY(mask__pack_get(&s->pack, "scores.steps", MASK__F32, 3, (uint64_t[]){0, 0, 2}, &steps, err));
    MASK__TRY(mask__pack_get(&s->pack, "pooled.steps", MASK__F32, 3, (uint64_t[]){0, 0, 2}, &pooled, err));
    size_t more = mask__stored_width(s->type, 0);
    if (at->shape[0] < 2 || mu->shape[1] <= more || steps->shape[0] < 1)
        return refuse(s, at, "a segment without images, words or dimensions", err);
    s->images = at->shape[0] - 1;
    s->blocks = (s->images + MASK__BLOCK - 1) / MASK__BLOCK;
    s->image_rows = at->data;
    s->mu = mu->data;
    s->z = mu->shape[1] - more;
    s->terms = steps->shape[0];
    s->words = pooled->shape[0];
    s->score_steps = steps->data;
    s->pooled_steps = pooled->data;
    if (s->words < 1 || s->words > s->terms) return refuse(s, pooled, "its words are not those of the scores", err);
    if (steps->shape[1] != s->blocks || pooled->shape[1] != s->blocks)
        return refuse(s, steps, "the steps are not one a word and block", err);
    bool rising = s->image_rows[0] == 0 && s->image_rows[s->images] == mu->shape[0];
    for (size_t i = 0; rising && i < s->images; i++) {
        rising = s->image_rows[i] <= s->image_rows[i + 1];
        size_t regions = (size_t)(s->image_rows[i + 1] - s->image_rows[i]);
        if (rising && regions > s->most_regions) s->most_regions = regions;
    }
    if (!rising) return refuse(s, at, "'image_rows' does not divide the rows", err);
    *rows = mu->shape[0];
    return MASK_OK;
}

/* Vectors an image, as mu and in 8 bits; all three are there or none. */
static mask_status get_vectors(const mask__segment *s, const char *const names[3], const void **values,
                               const int8_t **codes, const float **steps, mask_error *err)
{
    size_t images = s->images, width = mask__stored_width(s->type, s->z);
    if (!mask__pack_find(&s->pack, names[0])) return MASK_OK;
    MASK__TRY(mask__pack_data(&s->pack, names[0], s->type, &images, width, values, err));
    MASK__TRY(mask__pack_data(&s->pack, names[1], MASK__U8, &images, s->z, codes, err));
    return mask__pack_data(&s->pack, names[2], MASK__F32, &images, 0, steps, err);
}

static mask_status get_all(mask__segment *s, mask_error *err)
{
    const float *slack = NULL;
    size_t rows = 0;
    MASK__TRY(get_sizes(s, &rows, err));
    size_t stride = mask__segment_stride(s);
    MASK__TRY(mask__pack_data(&s->pack, "region_of_row", MASK__U32, &rows, 0, &s->region_of_row, err));
    if (mask__pack_find(&s->pack, "boxes"))
        MASK__TRY(mask__pack_data(&s->pack, "boxes", MASK__F32, &rows, 4, &s->boxes, err));
    MASK__TRY(mask__pack_data(&s->pack, "scores.codes", MASK__U8, &s->terms, stride, &s->score_codes, err));
    MASK__TRY(mask__pack_data(&s->pack, "scores.slack", MASK__F32, &s->terms, 0, &s->score_slack, err));
    MASK__TRY(mask__pack_data(&s->pack, "pooled.codes", MASK__U8, &s->words, stride, &s->pooled_codes, err));
    MASK__TRY(mask__pack_data(&s->pack, "pooled.slack", MASK__F32, &(size_t){1}, 0, &slack, err));
    s->pooled_slack = *slack;
    MASK__TRY(get_vectors(s, mask__whole_names, &s->whole, &s->whole_codes, &s->whole_steps, err));
    MASK__TRY(get_vectors(s, mask__scene_names, &s->scenes, &s->scene_codes, &s->scene_steps, err));
    MASK__TRY(mask__pack_data(&s->pack, "image_hub", MASK__F32, &s->images, 0, &s->image_hub, err));
    return mask__pack_data(&s->pack, "image_deviation", MASK__F32, &s->images, 0, &s->image_deviation, err);
}

size_t mask__segment_scratch(const mask__segment *segments, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t floats = segments[i].type != MASK__F32 ? (segments[i].most_regions + 2) * segments[i].z : 0;
        most = floats > most ? floats : most;
    }
    return most;
}

static const float *vectors(const mask__segment *s, const void *from, size_t row, size_t rows, float *scratch)
{
    if (!from) return NULL;
    const char *first = (const char *)from + row * mask__stored_bytes(s->type, s->z);
    if (s->type == MASK__F32) return (const float *)(const void *)first;
    mask__stored_read(s->type, first, rows, s->z, scratch);
    return scratch;
}

mask__image_vectors mask__segment_image(const mask__segment *s, size_t image, float *scratch)
{
    size_t row = (size_t)s->image_rows[image], regions = (size_t)s->image_rows[image + 1] - row;
    bool plain = s->type == MASK__F32;
    float *after = plain ? NULL : scratch + regions * s->z, *last = plain ? NULL : after + s->z;
    return (mask__image_vectors){.mu = vectors(s, s->mu, row, regions, scratch),
                                 .whole = vectors(s, s->whole, image, 1, after),
                                 .scene = vectors(s, s->scenes, image, 1, last),
                                 .regions = regions};
}

mask_status mask__segment_open(mask__segment *s, const char *path, mask__verify verify, mask_error *err)
{
    *s = (mask__segment){0};
    mask_status status = mask__pack_open(&s->pack, path, MASK__SEGMENT_MAGIC, MASK__SEGMENT_VERSION, verify, err);
    if (status == MASK_OK) status = get_all(s, err);
    if (status != MASK_OK) mask__segment_close(s);
    return status;
}

void mask__segment_close(mask__segment *s)
{
    mask__pack_close(&s->pack);
    *s = (mask__segment){0};
}
