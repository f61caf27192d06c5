/* Sets of images as the field stores them: one .npy of images x regions x dim (or images x dim: one region each), with
 * the lists of ids, file names and boxes that lie beside it.
 *
 * Features stay in the mapped file until they are asked for. A list beside the features may have a line for each stored
 * row, for each group of five equal rows, or five lines for a row; any other length is refused, never stretched. */
#include "images/images.h"
#include "images/layout.h"
#include "base/names.h"
#include "formats/npy.h"
#include "base/memory.h"
#include "base/stream.h"
#include "math/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPIES = 5, MAX_CAPTION_BYTES = 1 << 20 };

typedef struct npy_images {
    mask_images base; /* path is features.path; image i is stored row i * stride; rows >= base.count * stride */
    mask__npy features, boxes; /* boxes.data is NULL when there are none */
    mask__names ids, names;    /* names.count is 0 when there are none */
    bool ids_are_positions;
    size_t rows, stride;
    size_t regions; /* of every image */
} npy_images;

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

static mask_status check_features(npy_images *images, mask_error *err)
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
    images->base.path = f->path;
    images->rows = images->base.count = f->shape[0];
    images->stride = 1;
    images->regions = f->ndim == 3 ? f->shape[1] : 1;
    images->base.dim = f->shape[f->ndim - 1];
    return MASK_OK;
}

static mask_status wrong_length(const npy_images *images, const char *path, size_t entries, mask_error *err)
{
    return mask__fail(
        err, MASK_EMISMATCH, MASK_NO_OFFSET,
        "%s: has %zu entries for the %zu images of %s: one an image, five an image or one for five stored "
        "copies is needed, make it again or remove it",
        path, entries, images->rows, images->features.path);
}

/* A list of names beside the features, if there is one. */
static mask_status read_list(npy_images *images, mask__names *names, const char *stem, const char *suffix,
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

static mask_status number_images(npy_images *images, mask_error *err)
{
    char id[24];
    images->ids_are_positions = true;
    for (size_t i = 0; i < images->rows; i++) {
        int length = snprintf(id, sizeof id, "%zu", i);
        MASK__TRY(mask__names_add(&images->ids, id, (size_t)length, err));
    }
    return MASK_OK;
}

static mask_status check_boxes(const npy_images *images, mask_error *err)
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

static mask_status read_boxes(npy_images *images, const char *stem, mask_error *err)
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
static mask_status open_features(npy_images *images, const char *path, const char *stem, mask_error *err)
{
    char *file = NULL;
    if (!mask__is_folder(path)) return mask__npy_open(&images->features, path, err);
    MASK__TRY(mask__layout_beside(&file, stem, "_ims.npy", err));
    mask_status status = mask__npy_open(&images->features, file, err);
    free(file);
    return status;
}

static mask_status open_stem(npy_images *images, const char *path, const char *stem, mask_error *err)
{
    MASK__TRY(open_features(images, path, stem, err));
    MASK__TRY(check_features(images, err));
    MASK__TRY(read_list(images, &images->ids, stem, "_ids.txt", err));
    MASK__TRY(read_list(images, &images->names, stem, "_names.txt", err));
    if (!images->ids.count) MASK__TRY(number_images(images, err));
    return read_boxes(images, stem, err);
}

static void keep_every_fifth(mask_images *base)
{
    npy_images *images = (npy_images *)base;
    images->stride = COPIES;
    base->count = images->rows / COPIES;
}

/* Whether rows 5i to 5i + 4 have the same first region, for every i. */
static bool rows_are_copies(const npy_images *images)
{
    size_t item = images->features.item_bytes, region = images->base.dim * item, row = images->regions * region;
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
static mask_status drop_copies(npy_images *images, const char *stem, mask_error *err)
{
    char *captions;
    size_t count = 0;
    if (!rows_are_copies(images)) return MASK_OK;
    MASK__TRY(mask__layout_beside(&captions, stem, "_caps.txt", err));
    mask_status status = mask__is_file(captions) ? count_lines(captions, &count, err) : MASK_OK;
    free(captions);
    if (status == MASK_OK && count == images->rows) keep_every_fifth(&images->base);
    return status;
}

static size_t regions_of(const mask_images *base, size_t image)
{
    (void)image; /* every image of an .npy has as many */
    return ((const npy_images *)base)->regions;
}

static const char *id_of(const mask_images *base, size_t image)
{
    const npy_images *images = (const npy_images *)base;
    if (images->ids_are_positions) return mask__names_get(&images->ids, image);
    return mask__names_get(&images->ids, entry_of_row(images->ids.count, images->rows, image * images->stride));
}

static const char *name_of(const mask_images *base, size_t image)
{
    const npy_images *images = (const npy_images *)base;
    if (!images->names.count) return NULL;
    return mask__names_get(&images->names, entry_of_row(images->names.count, images->rows, image * images->stride));
}

static int64_t find_in(const npy_images *images, const mask__names *names, const char *text)
{
    int64_t entry = names->count ? mask__names_find(names, text) : -1;
    if (entry < 0) return -1;
    size_t image = (size_t)entry;
    if (names != &images->ids || !images->ids_are_positions)
        image = row_of_entry(names->count, images->rows, image) / images->stride;
    return image < images->base.count ? (int64_t)image : -1;
}

static int64_t find(const mask_images *base, const char *id)
{
    const npy_images *images = (const npy_images *)base;
    int64_t image = find_in(images, &images->ids, id);
    return image >= 0 ? image : find_in(images, &images->names, id);
}

static bool box_of(const mask_images *base, size_t image, size_t region, float box[4])
{
    const npy_images *images = (const npy_images *)base;
    const mask__npy *b = &images->boxes;
    if (!b->data) return false;
    size_t row = entry_of_row(b->shape[0], images->rows, image * images->stride);
    mask__npy_floats(b, (row * images->regions + region) * 4, 4, box);
    return true;
}

static size_t first_item(const npy_images *images, size_t image)
{
    return image * images->stride * images->regions * images->base.dim;
}

static mask_status block(const mask_images *base, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    const npy_images *images = (const npy_images *)base;
    size_t items = images->regions * base->dim;
    (void)err;
    if (images->stride == 1 || count == 1)
        if ((*features = mask__npy_direct(&images->features, first_item(images, first)))) return MASK_OK;
#pragma omp parallel for schedule(static) if (count > 1)
    for (size_t i = 0; i < count; i++)
        mask__npy_floats(&images->features, first_item(images, first + i), items, buffer + i * items);
    *features = buffer;
    return MASK_OK;
}

static mask_status refuse(const mask_images *base, size_t image, size_t item, mask_error *err)
{
    const npy_images *images = (const npy_images *)base;
    const mask__npy *f = &images->features;
    size_t byte = f->data_offset + (first_item(images, image) + item) * f->item_bytes;
    return mask__fail(err, MASK_ENUMERIC, byte,
                      "%s: byte %zu: image %zu (%s), region %zu: the feature is NaN or infinite: extract it again",
                      f->path, byte, image, id_of(base, image), item / base->dim);
}

static void close_images(mask_images *base)
{
    npy_images *images = (npy_images *)base;
    mask__npy_close(&images->features);
    mask__npy_close(&images->boxes);
    mask__names_free(&images->ids);
    mask__names_free(&images->names);
    free(images);
}

static const mask__images_source npy_source = {
    .regions = regions_of,
    .id = id_of,
    .name = name_of,
    .find = find,
    .box = box_of,
    .block = block,
    .refuse = refuse,
    .keep_every_fifth = keep_every_fifth,
    .close = close_images,
};

mask_status mask__images_open_npy(mask_images **out, const char *path, const char *split, bool rows,
                                  const mask_run *run, mask_error *err)
{
    char *stem;
    (void)run; /* a mapped file is open at once */
    *out = NULL;
    MASK__TRY(mask__layout_stem(&stem, path, split, err));
    npy_images *images = calloc(1, sizeof *images);
    if (images) images->base.source = &npy_source;
    mask_status status = images ? open_stem(images, path, stem, err) : mask__no_memory(err, path);
    if (status == MASK_OK && !rows) status = drop_copies(images, stem, err);
    free(stem);
    if (status == MASK_OK) *out = &images->base;
    else if (images) close_images(&images->base);
    return status;
}
