/* Labelled regions, what a knowledge is learned from: FOLDER/features.npy (regions x dim) and FOLDER/regions.tsv (or
 * regions.tsv.gz), one line a row: image, x1, y1, x2, y2, label.
 *
 * Features stay in the mapped file; of the lines stay 20 bytes a region and the distinct labels and image names.
 * Refuses a table whose images are not each one run of lines, or that has another length than the features. */
#include "annotations/labels.h"
#include "base/names.h"
#include "formats/npy.h"
#include "images/images.h"
#include "annotations/regiontable.h"
#include "base/memory.h"
#include "math/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOX = 4 };

struct mask_labels {
    char *path;
    mask__npy features;
    size_t regions, dim;
    float (*boxes)[BOX];
    mask__names labels;      /* one a region */
    mask__names images;      /* one an image, in the order of the table */
    size_t *starts;          /* images + 1: the first region of each image, and the end */
    const mask_images *bare; /* images whose regions carry no label, instead of files; else NULL */
    bool view;               /* a copy that owns nothing and shows image_count images from first_image on */
    size_t first_image, first_region, image_count;
};

static mask_status open_features(mask_labels *labels, mask_error *err)
{
    char *path;
    mask__npy *f = &labels->features;
    if (asprintf(&path, "%s/features.npy", labels->path) < 0) return mask__no_memory(err, labels->path);
    mask_status status = mask__npy_open(f, path, err);
    free(path);
    if (status != MASK_OK) return status;
    if (!mask__npy_is_float(f) || f->ndim != 2)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: holds %s in %u dimensions: save it again as regions x dim of np.float32", f->path,
                          mask__npy_type_name(f->type), f->ndim);
    labels->dim = f->shape[1];
    labels->boxes = calloc(f->shape[0], sizeof *labels->boxes);
    return labels->boxes ? MASK_OK : mask__no_memory(err, f->path);
}

static mask_status read_lines(mask_labels *labels, mask__region_reader *r, mask_error *err)
{
    const mask__npy *f = &labels->features;
    const char *path = mask__stream_path(r->lines.stream);
    for (;;) {
        MASK__TRY(mask__region_reader_next(r, err));
        if (!r->text) break;
        if (r->regions > f->shape[0])
            return mask__fail_at(err, MASK_EMISMATCH, r->lines.offset,
                                 "%s: line %zu: has no row in %s, which ends after %zu: write both together again",
                                 path, r->regions + 1, f->path, f->shape[0]);
        memcpy(labels->boxes[r->regions - 1], r->box, sizeof r->box);
        MASK__TRY(mask__names_add(&labels->labels, r->label, strlen(r->label), err));
    }
    labels->regions = r->regions;
    if (labels->regions != f->shape[0])
        return mask__fail_at(err, MASK_EMISMATCH, mask__stream_offset(r->lines.stream),
                             "%s: has %zu regions, %s has %zu rows: write both together again", path, labels->regions,
                             f->path, f->shape[0]);
    labels->images = r->images;
    labels->image_count = r->images.count;
    labels->starts = r->starts;
    r->images = (mask__names){0};
    r->starts = NULL;
    return MASK_OK;
}

static mask_status read_table(mask_labels *labels, mask_error *err)
{
    char *path;
    mask__region_reader r;
    if (asprintf(&path, "%s/regions.tsv.gz", labels->path) < 0) return mask__no_memory(err, labels->path);
    char *gz = path + strlen(path) - strlen(".gz");
    *gz = '\0';
    if (!mask__is_file(path)) {
        *gz = '.';
        if (!mask__is_file(path)) *gz = '\0'; /* neither is there: the message names the plain one */
    }
    mask_status status = mask__region_reader_open(&r, path, err);
    free(path);
    if (status != MASK_OK) return status;
    status = read_lines(labels, &r, err);
    mask__region_reader_close(&r);
    return status;
}

mask_status mask_labels_open(mask_labels **out, const char *folder, const mask_run *run, mask_error *err)
{
    (void)run; /* nothing here takes long */
    *out = NULL;
    if (!mask__is_folder(folder))
        return mask__fail(err, MASK_EIO, "%s: is not a folder: name one with features.npy and regions.tsv", folder);
    mask_labels *labels = calloc(1, sizeof *labels);
    mask_status status = MASK_OK;
    if (!labels || !(labels->path = strdup(folder))) status = mask__no_memory(err, folder);
    if (status == MASK_OK) status = open_features(labels, err);
    if (status == MASK_OK) status = read_table(labels, err);
    if (status != MASK_OK) mask_labels_close(labels);
    else *out = labels;
    return status;
}

/* Boxes where the images have them, else the same one for all. */
static mask_status take_images(mask_labels *labels, const mask_images *images, mask_error *err)
{
    size_t count = mask_images_count(images);
    labels->bare = images;
    labels->image_count = count;
    labels->dim = mask_images_dim(images);
    labels->regions = mask__images_rows(images);
    labels->boxes = calloc(labels->regions, sizeof *labels->boxes);
    labels->starts = calloc(count + 1, sizeof *labels->starts);
    if (!labels->boxes || !labels->starts) return mask__no_memory(err, labels->path);
    for (size_t i = 0, r = 0; i < count; i++) {
        size_t regions = mask_images_regions(images, i);
        const char *id = mask_images_id(images, i);
        for (size_t j = 0; j < regions; j++, r++)
            if (!mask_images_box(images, i, j, labels->boxes[r]))
                memcpy(labels->boxes[r], (float[BOX]){0, 0, 1, 1}, sizeof labels->boxes[r]);
        labels->starts[i + 1] = r;
        MASK__TRY(mask__names_add(&labels->images, id, strlen(id), err));
    }
    return MASK_OK;
}

mask_status mask_labels_bare(mask_labels **out, const mask_images *images, mask_error *err)
{
    *out = NULL;
    mask_labels *labels = calloc(1, sizeof *labels);
    mask_status status = MASK_OK;
    if (!labels || !(labels->path = strdup(images->path))) status = mask__no_memory(err, images->path);
    if (status == MASK_OK) status = take_images(labels, images, err);
    if (status != MASK_OK) mask_labels_close(labels);
    else *out = labels;
    return status;
}

void mask_labels_close(mask_labels *labels)
{
    if (!labels) return;
    if (!labels->view) {
        if (!labels->bare) mask__npy_close(&labels->features);
        mask__names_free(&labels->labels);
        mask__names_free(&labels->images);
        free(labels->starts);
        free(labels->boxes);
        free(labels->path);
    }
    free(labels);
}

size_t mask_labels_regions(const mask_labels *labels)
{
    return labels->regions;
}

size_t mask_labels_images(const mask_labels *labels)
{
    return labels->image_count;
}

mask_status mask__labels_view(mask_labels **out, const mask_labels *labels, size_t first, size_t count, mask_error *err)
{
    mask_labels *view = *out = calloc(1, sizeof *view);
    if (!view) return mask__no_memory(err, labels->path);
    *view = *labels;
    view->view = true;
    view->first_image += first;
    view->first_region += mask__labels_start(labels, first);
    view->image_count = count;
    view->regions = mask__labels_start(labels, first + count) - mask__labels_start(labels, first);
    return MASK_OK;
}

size_t mask_labels_dim(const mask_labels *labels)
{
    return labels->dim;
}

const char *mask_labels_text(const mask_labels *labels, size_t region)
{
    return labels->bare ? "" : mask__names_get(&labels->labels, labels->first_region + region);
}

bool mask__labels_bare(const mask_labels *labels)
{
    return labels->bare != NULL;
}

const char *mask__labels_path(const mask_labels *labels)
{
    return labels->path;
}

const char *mask__labels_image_name(const mask_labels *labels, size_t image)
{
    return mask__names_get(&labels->images, labels->first_image + image);
}

const float *mask__labels_box(const mask_labels *labels, size_t region)
{
    return labels->boxes[labels->first_region + region];
}

/* Of all images the one of a region, counted from the first of the file. */
static size_t image_at(const mask_labels *labels, size_t region)
{
    size_t low = 0, high = labels->images.count; /* starts[low] <= region < starts[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (labels->starts[middle] <= region) low = middle;
        else high = middle;
    }
    return low;
}

size_t mask__labels_image(const mask_labels *labels, size_t region)
{
    return image_at(labels, labels->first_region + region) - labels->first_image;
}

size_t mask__labels_start(const mask_labels *labels, size_t image)
{
    return labels->images.count ? labels->starts[labels->first_image + image] - labels->first_region : 0;
}

static mask_status not_finite(const mask_labels *labels, size_t item, mask_error *err)
{
    const mask__npy *f = &labels->features;
    size_t byte = f->data_offset + item * f->item_bytes, region = item / labels->dim;
    return mask__fail_at(err, MASK_ENUMERIC, byte,
                         "%s: byte %zu: row %zu (image %s): the feature is NaN or infinite: extract it again", f->path,
                         byte, region, mask__names_get(&labels->images, image_at(labels, region)));
}

/* Rows of images, one image after the other. */
static mask_status read_images(const mask_labels *labels, size_t first, size_t count, float *buffer, mask_error *err)
{
    size_t dim = labels->dim, end = first + count, done = first, most = 0, where;
    for (size_t i = 0; i < labels->images.count; i++)
        if (labels->starts[i + 1] - labels->starts[i] > most) most = labels->starts[i + 1] - labels->starts[i];
    float *one = malloc((most + 1) * dim * sizeof *one);
    if (!one) return mask__no_memory(err, labels->path);
    mask_status status = MASK_OK;
    while (status == MASK_OK && done < end) {
        size_t image = image_at(labels, done), at = labels->starts[image], rows;
        size_t until = labels->starts[image + 1] < end ? labels->starts[image + 1] : end;
        const float *features;
        status = mask__images_block(labels->bare, image, 1, one, &features, &rows, err);
        if (status == MASK_OK && !mask__all_finite(features, rows * dim, &where))
            status = mask__images_refuse(labels->bare, image, err);
        if (status == MASK_OK)
            memcpy(buffer + (done - first) * dim, features + (done - at) * dim, (until - done) * dim * sizeof *buffer);
        done = until;
    }
    free(one);
    return status;
}

mask_status mask__labels_block(const mask_labels *labels, size_t first, size_t count, float *buffer,
                               const float **features, mask_error *err)
{
    size_t dim = labels->dim, bad = SIZE_MAX; /* the first item that is not finite */
    if (first > labels->regions || count > labels->regions - first)
        return mask__fail(err, MASK_EINVAL, "%s: regions %zu to %zu of %zu were asked for", labels->path, first,
                          first + count, labels->regions);
    first += labels->first_region;
    if (labels->bare) {
        *features = buffer;
        return read_images(labels, first, count, buffer, err);
    }
    const float *direct = mask__npy_direct(&labels->features, first * dim);
#pragma omp parallel for schedule(static) reduction(min : bad) if (count > 1)
    for (size_t i = 0; i < count; i++) {
        size_t item = (first + i) * dim, where;
        const float *row = direct ? direct + i * dim : buffer + i * dim;
        if (!direct) mask__npy_floats(&labels->features, item, dim, buffer + i * dim);
        if (!mask__all_finite(row, dim, &where) && item + where < bad) bad = item + where;
    }
    if (!direct) mask__npy_forget(&labels->features, first * dim, count * dim);
    *features = direct ? direct : buffer;
    return bad == SIZE_MAX ? MASK_OK : not_finite(labels, bad, err);
}
