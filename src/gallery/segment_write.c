#include "gallery/segment_write.h"
#include "gallery/stored.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Eight bits ---- */

mask__steps mask__quantise(const float *x, size_t count, uint8_t *codes)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    mask__steps steps = {low, (high - low) / 255};
    for (size_t i = 0; i < count; i++) {
        float code = steps.step > 0 ? (x[i] - low) / steps.step + 0.5f : 0;
        codes[i] = code < 255 ? (uint8_t)code : 255;
    }
    return steps;
}

/* Two sums of n products of unit vectors, each in any order, differ by at most 2 n u / (1 - n u), u half an epsilon;
 * pooling adds one rounding a value it sums, and vectors are unit to a few roundings, or to 2^-11 in float16. */
static double dot_slack(const mask__draft *d, bool pooled)
{
    const mask__calibration *s = d->calibration;
    const mask_match_options *o = &s->options;
    double roundings = (double)s->z + 8, u = FLT_EPSILON / 2;
    if (pooled) roundings += o->pool == MASK_POOL_MEAN ? (double)d->most_regions : o->top;
    return 2.003 * roundings * u / (1 - roundings * u) + (double)d->rounding;
}

/* What c_w(i) may differ between GEMM and mask__calibration_exact (docs/segments.md). */
static float score_slack(const mask__draft *d, size_t word)
{
    const mask__calibration *s = d->calibration;
    const mask__affine *parts[3] = {s->known.pooled, s->known.whole, s->known.scene};
    double slack = 0, largest = 0;
    for (int p = 0; p < 3; p++) {
        if (!parts[p]) continue;
        double scale = fabs((double)parts[p][word].scale);
        slack += scale * dot_slack(d, p == 0);
        largest += scale * (1.002 + fabs((double)parts[p][word].mean));
    }
    return (float)((slack + 16 * FLT_EPSILON * largest) * (1 + 4 * FLT_EPSILON) + FLT_MIN);
}

/* ---- The file ---- */

mask_status mask__draft_open(mask__draft *d, const char *path, const mask__calibration *s, const uint64_t *image_rows,
                             size_t images, mask__dtype type, mask_error *err)
{
    size_t rows = image_rows[images];
    const mask_match_options *o = &s->options;
    *d = (mask__draft){.calibration = s, .images = images, .words = s->known.count, .z = s->z, .type = type};
    d->terms = d->words + s->others.count;
    d->blocks = (images + MASK__BLOCK - 1) / MASK__BLOCK;
    d->stride = d->blocks * MASK__BLOCK;
    d->image_rows = mask__arena_matrix(&d->arena, images + 1, 1, sizeof *d->image_rows);
    d->region_of_row = mask__arena_matrix(&d->arena, rows, 1, sizeof *d->region_of_row);
    d->boxes = mask__arena_matrix(&d->arena, rows, 4, sizeof *d->boxes);
    d->score_codes = mask__arena_matrix(&d->arena, d->terms, d->stride, 1);
    d->pooled_codes = mask__arena_matrix(&d->arena, d->words, d->stride, 1);
    d->score_steps = mask__arena_matrix(&d->arena, d->terms, d->blocks, sizeof *d->score_steps);
    d->pooled_steps = mask__arena_matrix(&d->arena, d->words, d->blocks, sizeof *d->pooled_steps);
    d->image_hub = mask__arena_matrix(&d->arena, images, 1, sizeof *d->image_hub);
    d->image_deviation = mask__arena_matrix(&d->arena, images, 1, sizeof *d->image_deviation);
    if (o->context > 0 || !(o->scene > 0)) d->whole = mask__arena_matrix(&d->arena, images, d->z, sizeof *d->whole);
    if (o->scene > 0) d->scenes = mask__arena_matrix(&d->arena, images, d->z, sizeof *d->scenes);
    if (d->arena.lost) return mask__no_memory(err, path);
    memcpy(d->image_rows, image_rows, (images + 1) * sizeof *image_rows);
    for (size_t i = 0; i < images; i++)
        if (image_rows[i + 1] - image_rows[i] > d->most_regions) d->most_regions = image_rows[i + 1] - image_rows[i];
    uint32_t version = type == MASK__U8 ? MASK__SEGMENT_VERSION : type == MASK__F16 ? 2 : 1;
    MASK__TRY(mask__pack_create(&d->writer, path, MASK__SEGMENT_MAGIC, version, err));
    return mask__pack_begin(d->writer, "mu", type, err);
}

/* Vectors of the tensor that was begun. */
mask_status mask__draft_append(mask__draft *d, const float *values, size_t rows, mask_error *err)
{
    size_t bytes = rows * mask__stored_bytes(d->type, d->z);
    if (bytes == 0) return MASK_OK; /* images without regions */
    MASK__FREED void *stored = malloc(bytes);
    if (!stored) return mask__no_memory(err, "a segment");
    mask__stored_write(d->type, values, rows, d->z, stored);
    return mask__pack_append(d->writer, stored, bytes, err);
}

static mask_status put_vectors(mask__draft *d, const char *const names[3], const float *values, mask_error *err)
{
    if (!values) return MASK_OK;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    int8_t *codes = mask__arena_alloc(&work, d->images * d->z, 1);
    float *steps = mask__arena_alloc(&work, d->images, sizeof *steps);
    if (work.lost) return mask__no_memory(err, names[0]);
    for (size_t i = 0; i < d->images; i++) steps[i] = mask__signed_codes(values + i * d->z, d->z, codes + i * d->z);
    MASK__TRY(mask__pack_begin(d->writer, names[0], d->type, err));
    MASK__TRY(mask__draft_append(d, values, d->images, err));
    MASK__TRY(mask__pack_end(d->writer, 2, (uint64_t[]){d->images, mask__stored_width(d->type, d->z)}, err));
    MASK__TRY(mask__pack_put(d->writer, names[1], MASK__U8, d->images, d->z, codes, err));
    return mask__pack_put(d->writer, names[2], MASK__F32, d->images, 0, steps, err);
}

static mask_status put_scores(mask__draft *d, mask_error *err)
{
    const uint64_t shape[] = {d->terms, d->blocks, 2}, known[] = {d->words, d->blocks, 2};
    float pooled = (float)(dot_slack(d, true) + 16 * FLT_EPSILON),
          *slack = mask__arena_matrix(&d->arena, d->terms, 1, sizeof *slack);
    if (!slack) return mask__no_memory(err, "scores");
    for (size_t w = 0; w < d->terms; w++) slack[w] = score_slack(d, w);
    MASK__TRY(mask__pack_put(d->writer, "scores.codes", MASK__U8, d->terms, d->stride, d->score_codes, err));
    MASK__TRY(mask__pack_add(d->writer, "scores.steps", MASK__F32, 3, shape, d->score_steps, err));
    MASK__TRY(mask__pack_put(d->writer, "scores.slack", MASK__F32, d->terms, 0, slack, err));
    MASK__TRY(mask__pack_put(d->writer, "pooled.codes", MASK__U8, d->words, d->stride, d->pooled_codes, err));
    MASK__TRY(mask__pack_add(d->writer, "pooled.steps", MASK__F32, 3, known, d->pooled_steps, err));
    return mask__pack_put(d->writer, "pooled.slack", MASK__F32, 1, 0, &pooled, err);
}

static mask_status put_all(mask__draft *d, mask_error *err)
{
    size_t rows = d->image_rows[d->images];
    bool any_box = false;
    for (size_t i = 0; !any_box && i < rows * 4; i++) any_box = !isnan(d->boxes[i]);
    MASK__TRY(mask__pack_end(d->writer, 2, (uint64_t[]){rows, mask__stored_width(d->type, d->z)}, err));
    MASK__TRY(mask__pack_put(d->writer, "image_rows", MASK__U64, d->images + 1, 0, d->image_rows, err));
    MASK__TRY(mask__pack_put(d->writer, "region_of_row", MASK__U32, rows, 0, d->region_of_row, err));
    if (any_box) MASK__TRY(mask__pack_put(d->writer, "boxes", MASK__F32, rows, 4, d->boxes, err));
    MASK__TRY(put_scores(d, err));
    MASK__TRY(put_vectors(d, mask__whole_names, d->whole, err));
    MASK__TRY(put_vectors(d, mask__scene_names, d->scenes, err));
    MASK__TRY(mask__pack_put(d->writer, "image_hub", MASK__F32, d->images, 0, d->image_hub, err));
    return mask__pack_put(d->writer, "image_deviation", MASK__F32, d->images, 0, d->image_deviation, err);
}

mask_status mask__draft_commit(mask__draft *d, mask_error *err)
{
    MASK__TRY(put_all(d, err));
    mask__pack_writer *writer = d->writer;
    d->writer = NULL; /* a commit frees it */
    return mask__pack_commit(writer, MASK_OK, err);
}

void mask__draft_close(mask__draft *d)
{
    mask__pack_abort(d->writer);
    mask__arena_free(&d->arena);
    *d = (mask__draft){0};
}
