/* Sets of images as the field stores them: one .npy of images x regions x dim (or images x dim: one region each), with
 * the lists of ids, file names and boxes that lie beside it.
 *
 * Features stay in the mapped file until they are asked for. A list beside the features may have a line for each stored
 * row, for each group of five equal rows, or five lines for a row; any other length is refused, never stretched. */
#include "images/images.h"
#include "images/layout.h"
#include "formats/npy.h"
#include "base/memory.h"
#include "base/stream.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CAPTION_BYTES = 1 << 20 };

typedef struct npy_images {
    mask_images base;          /* path is that of the features */
    mask__npy features, boxes; /* boxes.data is NULL when there are none */
} npy_images;

/* Whether a list of `entries` belongs to `rows` stored rows. */
static bool list_fits(size_t entries, size_t rows)
{
    return entries == rows || entries * MASK__COPIES == rows || entries == rows * MASK__COPIES;
}

static mask_status check_features(npy_images *images, mask_error *err)
{
    const mask__npy *f = &images->features;
    if (!mask__npy_is_float(f))
        return mask__fail(err, MASK_EFORMAT,
                          "%s: holds %s: features are float16, 32 or 64, save it again as np.float32", f->path,
                          mask__npy_type_name(f->type));
    if (f->ndim != 2 && f->ndim != 3)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: has %u dimensions: reshape it to images x regions x dim or images x dim", f->path,
                          f->ndim);
    images->base.rows = images->base.count = f->shape[0];
    images->base.each_regions = f->ndim == 3 ? f->shape[1] : 1;
    images->base.dim = f->shape[f->ndim - 1];
    return MASK_OK;
}

static mask_status wrong_length(const npy_images *images, const char *path, size_t entries, mask_error *err)
{
    return mask__fail(
        err, MASK_EMISMATCH,
        "%s: has %zu entries for the %zu images of %s: one an image, five an image or one for five stored "
        "copies is needed, make it again or remove it",
        path, entries, images->base.rows, images->features.path);
}

/* A list of names beside the features, if there is one. */
static mask_status read_list(npy_images *images, mask__names *names, const char *stem, const char *suffix,
                             mask_error *err)
{
    MASK__FREED char *path = mask__text("%s%s", stem, suffix);
    if (!path) return mask__no_memory(err, stem);
    if (!mask__is_file(path)) return MASK_OK;
    MASK__TRY(mask__names_read(names, path, err));
    return list_fits(names->count, images->base.rows) ? MASK_OK : wrong_length(images, path, names->count, err);
}

static mask_status check_boxes(const npy_images *images, mask_error *err)
{
    const mask__npy *b = &images->boxes;
    bool shaped = b->ndim == 3 ? b->shape[1] == images->base.each_regions && b->shape[2] == 4
                               : b->ndim == 2 && images->base.each_regions == 1 && b->shape[1] == 4;
    if (!shaped)
        return mask__fail(err, MASK_EMISMATCH, "%s: is not images x %zu regions x 4 as %s: make it again", b->path,
                          images->base.each_regions, images->features.path);
    if (!list_fits(b->shape[0], images->base.rows)) return wrong_length(images, b->path, b->shape[0], err);
    for (size_t at = 0; at < b->items; at += 4) {
        float box[4];
        size_t where;
        mask__npy_floats(b, at, 4, box);
        if (!mask__all_finite(box, 4, &where)) {
            size_t byte = b->data_offset + (at + where) * b->item_bytes, row = at / 4 / images->base.each_regions;
            return mask__fail_at(err, MASK_EFORMAT, byte,
                                 "%s: byte %zu: the box of row %zu, region %zu is NaN or infinite: make it again",
                                 b->path, byte, row, at / 4 % images->base.each_regions);
        }
    }
    return MASK_OK;
}

static mask_status read_boxes(npy_images *images, const char *stem, mask_error *err)
{
    MASK__FREED char *path = mask__text("%s_boxes.npy", stem);
    if (!path) return mask__no_memory(err, stem);
    if (!mask__is_file(path)) return MASK_OK;
    MASK__TRY(mask__npy_open(&images->boxes, path, err));
    return check_boxes(images, err);
}

/* Whether rows 5i to 5i + 4 have the same first region, for every i. */
static bool rows_are_copies(const npy_images *images)
{
    size_t item = images->features.item_bytes, region = images->base.dim * item,
           row = images->base.each_regions * region;
    if (images->base.rows % MASK__COPIES != 0) return false;
    for (size_t i = 0; i < images->base.rows; i += MASK__COPIES)
        for (size_t copy = 1; copy < MASK__COPIES; copy++)
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
    MASK__FREED char *captions = mask__text("%s_caps.txt", stem);
    size_t count = 0;
    if (!captions) return mask__no_memory(err, stem);
    if (!rows_are_copies(images)) return MASK_OK;
    if (mask__is_file(captions)) MASK__TRY(count_lines(captions, &count, err));
    if (count == images->base.rows) mask__images_keep_every_fifth(&images->base);
    return MASK_OK;
}

static bool box_of(const mask_images *base, size_t image, size_t region, float box[4])
{
    const mask__npy *b = &((const npy_images *)base)->boxes;
    if (!b->data) return false;
    size_t row = image * base->stride * b->shape[0] / base->rows;
    mask__npy_floats(b, (row * base->each_regions + region) * 4, 4, box);
    return true;
}

static size_t first_item(const mask_images *base, size_t image)
{
    return image * base->stride * base->each_regions * base->dim;
}

static mask_status block(const mask_images *base, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    const mask__npy *f = &((const npy_images *)base)->features;
    size_t items = base->each_regions * base->dim;
    (void)err;
    if (base->stride == 1 || count == 1)
        if ((*features = mask__npy_direct(f, first_item(base, first)))) return MASK_OK;
#pragma omp parallel for schedule(static) if (count > 1)
    for (size_t i = 0; i < count; i++) mask__npy_floats(f, first_item(base, first + i), items, buffer + i * items);
    *features = buffer;
    return MASK_OK;
}

static size_t byte_of(const mask_images *base, size_t image, size_t item)
{
    const mask__npy *f = &((const npy_images *)base)->features;
    return f->data_offset + (first_item(base, image) + item) * f->item_bytes;
}

static void close_images(mask_images *base)
{
    npy_images *images = (npy_images *)base;
    mask__npy_close(&images->features);
    mask__npy_close(&images->boxes);
}

static mask_status open_images(mask_images *base, const mask__images_request *request, mask_error *err)
{
    MASK__FREED char *stem = NULL;
    npy_images *images = (npy_images *)base;
    MASK__TRY(mask__layout_stem(&stem, base->path, request->split, err));
    if (mask__is_folder(base->path)) { /* else it is the features themselves */
        free(base->path);
        if (!(base->path = mask__text("%s_ims.npy", stem))) return mask__no_memory(err, stem);
    }
    MASK__TRY(mask__npy_open(&images->features, base->path, err));
    MASK__TRY(check_features(images, err));
    MASK__TRY(read_list(images, &base->ids, stem, "_ids.txt", err));
    MASK__TRY(read_list(images, &base->names, stem, "_names.txt", err));
    if (!base->ids.count) MASK__TRY(mask__images_number(base, err));
    MASK__TRY(read_boxes(images, stem, err));
    return request->rows ? MASK_OK : drop_copies(images, stem, err);
}

const mask__images_source mask__images_npy = {
    .bytes = sizeof(npy_images),
    .open = open_images,
    .box = box_of,
    .block = block,
    .byte = byte_of,
    .copies = true,
    .close = close_images,
};
