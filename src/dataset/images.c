/* Sets of images as the field stores them: one .npy of images x regions x dim (or images x dim: one region each), with
 * the lists of ids, file names and boxes that lie beside it.
 *
 * Features stay in the mapped file until they are asked for. A list beside the features may have a line for each stored
 * row, for each group of five equal rows, or five lines for a row; any other length is refused, never stretched. */
#include "images.h"
#include "layout.h"
#include "names.h"
#include "npy.h"
#include "base/memory.h"
#include "base/stream.h"
#include "math/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPIES = 5, MAX_CAPTION_BYTES = 1 << 20 };

struct mask_images {
    mask__npy features, boxes; /* boxes.data is NULL when there are none */
    mask__names ids, names;    /* names.count is 0 when there are none */
    bool ids_are_positions;
    size_t rows, stride, count; /* image i is stored row i * stride; rows >= count * stride */
    size_t regions, dim;
};

/* Whether a list of `entries` belongs to `rows` stored rows, and the entry of a row. */
static bool list_fits(size_t entries, size_t rows)
{
    return entries == rows || (rows % COPIES == 0 && entries == rows / COPIES) ||
           (entries % COPIES == 0 && entries / COPIES == rows);
}

static size_t entry_of_row(size_t entries, size_t rows, size_t row)
{
    return entries == rows ? row : entries < rows ? row / COPIES : row * COPIES;
}

static size_t row_of_entry(size_t entries, size_t rows, size_t entry)
{
    return entries == rows ? entry : entries < rows ? entry * COPIES : entry / COPIES;
}

static mask_status check_features(mask_images *images, mask_error *err)
{
    const mask__npy *f = &images->features;
    if (!mask__npy_is_float(f))
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                          "%s: holds %s: features are float16, 32 or 64, save it again as np.float32", f->path,
                          mask__npy_type_name(f->type));
    if (f->ndim != 2 && f->ndim != 3)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                          "%s: has %u dimensions: reshape it to images x regions x dim or images x dim", f->path,
                          f->ndim);
    images->rows = images->count = f->shape[0];
    images->stride = 1;
    images->regions = f->ndim == 3 ? f->shape[1] : 1;
    images->dim = f->shape[f->ndim - 1];
    return MASK_OK;
}

static mask_status wrong_length(const mask_images *images, const char *path, size_t entries, mask_error *err)
{
    return mask__fail(
        err, MASK_EMISMATCH, MASK_NO_OFFSET,
        "%s: has %zu entries for the %zu images of %s: one an image, five an image or one for five stored "
        "copies is needed, make it again or remove it",
        path, entries, images->rows, images->features.path);
}

/* A list of names beside the features, if there is one. */
static mask_status read_list(mask_images *images, mask__names *names, const char *stem, const char *suffix,
                             mask_error *err)
{
    char *path;
    mask_status status = MASK_OK;
    MASK__TRY(mask__layout_beside(&path, stem, suffix, err));
    if (mask__is_file(path)) {
        status = mask__names_read(names, path, err);
        if (status == MASK_OK && !list_fits(names->count, images->rows))
            status = wrong_length(images, path, names->count, err);
    }
    free(path);
    return status;
}

static mask_status number_images(mask_images *images, mask_error *err)
{
    char id[24];
    images->ids_are_positions = true;
    for (size_t i = 0; i < images->rows; i++) {
        int length = snprintf(id, sizeof id, "%zu", i);
        MASK__TRY(mask__names_add(&images->ids, id, (size_t)length, err));
    }
    return MASK_OK;
}

static mask_status check_boxes(const mask_images *images, mask_error *err)
{
    const mask__npy *b = &images->boxes;
    bool shaped = b->ndim == 3 ? b->shape[1] == images->regions && b->shape[2] == 4
                               : b->ndim == 2 && images->regions == 1 && b->shape[1] == 4;
    if (!shaped)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: is not images x %zu regions x 4 as %s: make it again", b->path, images->regions,
                          images->features.path);
    if (!list_fits(b->shape[0], images->rows)) return wrong_length(images, b->path, b->shape[0], err);
    for (size_t at = 0; at < b->items; at += 4) {
        float box[4];
        size_t where;
        mask__npy_floats(b, at, 4, box);
        if (!mask__all_finite(box, 4, &where)) {
            size_t byte = b->data_offset + (at + where) * b->item_bytes, row = at / 4 / images->regions;
            return mask__fail(err, MASK_EFORMAT, byte,
                              "%s: byte %zu: the box of row %zu, region %zu is NaN or infinite: make it again", b->path,
                              byte, row, at / 4 % images->regions);
        }
    }
    return MASK_OK;
}

static mask_status read_boxes(mask_images *images, const char *stem, mask_error *err)
{
    char *path;
    mask_status status = MASK_OK;
    MASK__TRY(mask__layout_beside(&path, stem, "_boxes.npy", err));
    if (mask__is_file(path)) {
        status = mask__npy_open(&images->boxes, path, err);
        if (status == MASK_OK) status = check_boxes(images, err);
    }
    free(path);
    return status;
}

/* Opens the features themselves: `path` when it is a file, else STEM_ims.npy. */
static mask_status open_features(mask_images *images, const char *path, const char *stem, mask_error *err)
{
    char *file = NULL;
    if (!mask__is_folder(path)) return mask__npy_open(&images->features, path, err);
    MASK__TRY(mask__layout_beside(&file, stem, "_ims.npy", err));
    mask_status status = mask__npy_open(&images->features, file, err);
    free(file);
    return status;
}

static mask_status open_stem(mask_images *images, const char *path, const char *stem, mask_error *err)
{
    MASK__TRY(open_features(images, path, stem, err));
    MASK__TRY(check_features(images, err));
    MASK__TRY(read_list(images, &images->ids, stem, "_ids.txt", err));
    MASK__TRY(read_list(images, &images->names, stem, "_names.txt", err));
    if (!images->ids.count) MASK__TRY(number_images(images, err));
    return read_boxes(images, stem, err);
}

mask_status mask__images_open_rows(mask_images **out, const char *path, const char *split, mask_error *err)
{
    char *stem;
    *out = NULL;
    MASK__TRY(mask__layout_stem(&stem, path, split, err));
    mask_images *images = calloc(1, sizeof *images);
    mask_status status = images ? open_stem(images, path, stem, err) : mask__no_memory(err, path);
    free(stem);
    if (status != MASK_OK) mask_images_close(images);
    else *out = images;
    return status;
}

/* Whether rows 5i to 5i + 4 have the same first region, for every i. */
static bool rows_are_copies(const mask_images *images)
{
    size_t item = images->features.item_bytes, region = images->dim * item, row = images->regions * region;
    if (images->rows % COPIES != 0) return false;
    for (size_t i = 0; i < images->rows; i += COPIES)
        for (size_t copy = 1; copy < COPIES; copy++)
            if (memcmp(images->features.data + i * row, images->features.data + (i + copy) * row, region) != 0)
                return false;
    return true;
}

static mask_status count_lines(const char *path, size_t *count, mask_error *err)
{
    mask__stream *stream;
    char *line;
    size_t length;
    mask_status status;
    *count = 0;
    MASK__TRY(mask__stream_open(&stream, path, err));
    while ((status = mask__stream_line(stream, MAX_CAPTION_BYTES, &line, &length, err)) == MASK_OK && line) ++*count;
    mask__stream_close(stream);
    return status;
}

/* The captions beside the features tell that a set is stored five times. Someone's own set may have one caption an
 * image, so the rows must be copies as well. */
static mask_status drop_copies(mask_images *images, const char *path, const char *split, mask_error *err)
{
    char *stem, *captions;
    size_t count = 0;
    if (!rows_are_copies(images)) return MASK_OK;
    MASK__TRY(mask__layout_stem(&stem, path, split, err));
    mask_status status = mask__layout_beside(&captions, stem, "_caps.txt", err);
    free(stem);
    if (status != MASK_OK) return status;
    if (mask__is_file(captions)) status = count_lines(captions, &count, err);
    free(captions);
    if (status == MASK_OK && count == images->rows) mask__images_keep_every_fifth(images);
    return status;
}

mask_status mask_images_open(mask_images **out, const char *path, const char *split, mask_error *err)
{
    MASK__TRY(mask__images_open_rows(out, path, split, err));
    mask_status status = drop_copies(*out, path, split, err);
    if (status != MASK_OK) {
        mask_images_close(*out);
        *out = NULL;
    }
    return status;
}

void mask_images_close(mask_images *images)
{
    if (!images) return;
    mask__npy_close(&images->features);
    mask__npy_close(&images->boxes);
    mask__names_free(&images->ids);
    mask__names_free(&images->names);
    free(images);
}

void mask__images_keep_every_fifth(mask_images *images)
{
    images->stride = COPIES;
    images->count = images->rows / COPIES;
}

void mask__images_keep_first(mask_images *images, size_t count)
{
    if (count < images->count) images->count = count;
}

size_t mask_images_count(const mask_images *images)
{
    return images->count;
}

size_t mask_images_dim(const mask_images *images)
{
    return images->dim;
}

size_t mask_images_regions(const mask_images *images, size_t image)
{
    (void)image; /* every image of an .npy has as many */
    return images->regions;
}

size_t mask__images_rows(const mask_images *images)
{
    return images->count * images->regions;
}

const char *mask__images_path(const mask_images *images)
{
    return images->features.path;
}

const char *mask_images_id(const mask_images *images, size_t image)
{
    if (images->ids_are_positions) return mask__names_get(&images->ids, image);
    return mask__names_get(&images->ids, entry_of_row(images->ids.count, images->rows, image * images->stride));
}

const char *mask_images_name(const mask_images *images, size_t image)
{
    if (!images->names.count) return NULL;
    return mask__names_get(&images->names, entry_of_row(images->names.count, images->rows, image * images->stride));
}

static int64_t find_in(const mask_images *images, const mask__names *names, const char *text)
{
    int64_t entry = names->count ? mask__names_find(names, text) : -1;
    if (entry < 0) return -1;
    size_t image = (size_t)entry;
    if (names != &images->ids || !images->ids_are_positions)
        image = row_of_entry(names->count, images->rows, image) / images->stride;
    return image < images->count ? (int64_t)image : -1;
}

int64_t mask_images_find(const mask_images *images, const char *id)
{
    int64_t image = find_in(images, &images->ids, id);
    return image >= 0 ? image : find_in(images, &images->names, id);
}

bool mask_images_box(const mask_images *images, size_t image, size_t region, float box[4])
{
    const mask__npy *b = &images->boxes;
    if (!b->data || image >= images->count || region >= images->regions) return false;
    size_t row = entry_of_row(b->shape[0], images->rows, image * images->stride);
    mask__npy_floats(b, (row * images->regions + region) * 4, 4, box);
    return true;
}

static size_t first_item(const mask_images *images, size_t image)
{
    return image * images->stride * images->regions * images->dim;
}

static mask_status check_range(const mask_images *images, size_t first, size_t count, mask_error *err)
{
    if (first <= images->count && count <= images->count - first) return MASK_OK;
    return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "%s: images %zu to %zu of %zu were asked for",
                      images->features.path, first, first + count, images->count);
}

mask_status mask__images_block(const mask_images *images, size_t first, size_t count, float *buffer,
                               const float **features, size_t *rows, mask_error *err)
{
    size_t items = images->regions * images->dim;
    MASK__TRY(check_range(images, first, count, err));
    *rows = count * images->regions;
    if (images->stride == 1 || count == 1)
        if ((*features = mask__npy_direct(&images->features, first_item(images, first)))) return MASK_OK;
#pragma omp parallel for schedule(static) if (count > 1)
    for (size_t i = 0; i < count; i++)
        mask__npy_floats(&images->features, first_item(images, first + i), items, buffer + i * items);
    *features = buffer;
    return MASK_OK;
}

mask_status mask__images_refuse(const mask_images *images, size_t image, mask_error *err)
{
    float values[512];
    const mask__npy *f = &images->features;
    size_t items = images->regions * images->dim, start = first_item(images, image), where;
    for (size_t at = 0; at < items; at += 512) {
        size_t part = items - at < 512 ? items - at : 512;
        mask__npy_floats(f, start + at, part, values);
        if (mask__all_finite(values, part, &where)) continue;
        size_t byte = f->data_offset + (start + at + where) * f->item_bytes;
        return mask__fail(err, MASK_ENUMERIC, byte,
                          "%s: byte %zu: image %zu (%s), region %zu: the feature is NaN or infinite: extract it again",
                          f->path, byte, image, mask_images_id(images, image), (at + where) / images->dim);
    }
    return MASK_OK;
}

mask_status mask_images_features(const mask_images *images, size_t image, float *out, mask_error *err)
{
    size_t items = images->regions * images->dim, where;
    MASK__TRY(check_range(images, image, 1, err));
    mask__npy_floats(&images->features, first_item(images, image), items, out);
    return mask__all_finite(out, items, &where) ? MASK_OK : mask__images_refuse(images, image, err);
}
