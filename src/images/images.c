/* Sets of images, whatever file they lie in: what is the same for all sources, and checks of what is asked for. */
#include "images/images.h"
#include "base/memory.h"
#include "math/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mask_status mask__images_new(mask_images **out, const mask__images_source *source, const char *path, mask_error *err)
{
    mask_images *images = *out = calloc(1, source->bytes);
    if (!images) return mask__no_memory(err, path);
    images->source = source;
    images->stride = 1;
    images->held = SIZE_MAX;
    pthread_mutex_init(&images->lock, NULL);
    if ((images->path = strdup(path))) return MASK_OK;
    pthread_mutex_destroy(&images->lock);
    free(images);
    *out = NULL;
    return mask__no_memory(err, path);
}

mask_status mask__images_open_as(mask_images **out, const mask__images_source *source, const char *path,
                                 const mask__images_request *request, mask_error *err)
{
    MASK__TRY(mask__images_new(out, source, path, err));
    mask_status status = source->open(*out, request, err);
    if (!(*out)->rows) (*out)->rows = (*out)->count;
    if (status == MASK_OK) return MASK_OK;
    mask_images_close(*out);
    *out = NULL;
    return status;
}

void mask_images_close(mask_images *images)
{
    if (!images) return;
    if (images->source->close) images->source->close(images);
    mask__names_free(&images->ids);
    mask__names_free(&images->names);
    pthread_mutex_destroy(&images->lock);
    free(images->held_boxes);
    free(images->regions);
    free(images->path);
    free(images);
}

bool mask__images_keep_every_fifth(mask_images *images)
{
    if (!images->source->copies) return false;
    images->stride = MASK__COPIES;
    images->count = images->rows / MASK__COPIES;
    return true;
}

void mask__images_keep_first(mask_images *images, size_t count)
{
    if (count < images->count) images->count = count;
}

mask_status mask__images_number(mask_images *images, mask_error *err)
{
    char id[24];
    images->numbered = true;
    for (size_t i = 0; i < (images->rows ? images->rows : images->count); i++) {
        int length = snprintf(id, sizeof id, "%zu", i);
        MASK__TRY(mask__names_add(&images->ids, id, (size_t)length, err));
    }
    return MASK_OK;
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
    return image >= images->count ? 0 : images->regions ? images->regions[image] : images->each_regions;
}

size_t mask__images_rows(const mask_images *images)
{
    size_t rows = 0;
    for (size_t i = 0; i < images->count; i++) rows += mask_images_regions(images, i);
    return rows;
}

const char *mask__images_path(const mask_images *images)
{
    return images->path;
}

/* The entry of an image in a list that has as many as rows, a fifth or five times as many. */
static const char *entry_of(const mask_images *images, const mask__names *list, size_t image)
{
    if (list == &images->ids && images->numbered) return mask__names_get(list, image);
    return mask__names_get(list, image * images->stride * list->count / images->rows);
}

const char *mask_images_id(const mask_images *images, size_t image)
{
    return image < images->count ? entry_of(images, &images->ids, image) : NULL;
}

const char *mask_images_name(const mask_images *images, size_t image)
{
    const char *name = image < images->count && images->names.count ? entry_of(images, &images->names, image) : "";
    return *name ? name : NULL;
}

static int64_t find_in(const mask_images *images, const mask__names *list, const char *text)
{
    int64_t entry = list->count ? mask__names_find(list, text) : -1;
    if (entry < 0) return -1;
    size_t image = (size_t)entry;
    if (list != &images->ids || !images->numbered) image = image * images->rows / list->count / images->stride;
    return image < images->count ? (int64_t)image : -1;
}

int64_t mask_images_find(const mask_images *images, const char *id)
{
    int64_t image = find_in(images, &images->ids, id);
    return image >= 0 || !*id ? image : find_in(images, &images->names, id);
}

/* Of an image whose boxes are read together, and of which many are usually asked for one after the other. */
static bool held_box(mask_images *images, size_t image, size_t region, float box[4])
{
    size_t regions = mask_images_regions(images, image), where;
    pthread_mutex_lock(&images->lock);
    if (images->held != image) {
        images->held = image;
        images->held_known =
            mask__grow(&images->held_boxes, &images->held_capacity, regions * 4, sizeof *images->held_boxes) &&
            images->source->boxes(images, image, images->held_boxes) &&
            mask__all_finite(images->held_boxes, regions * 4, &where);
    }
    bool known = images->held_known;
    if (known) memcpy(box, images->held_boxes + region * 4, 4 * sizeof *box);
    pthread_mutex_unlock(&images->lock);
    return known;
}

bool mask_images_box(const mask_images *images, size_t image, size_t region, float box[4])
{
    if (region >= mask_images_regions(images, image)) return false;
    if (images->source->boxes) return held_box((mask_images *)(uintptr_t)images, image, region, box);
    return images->source->box(images, image, region, box);
}

bool mask__images_size(const mask_images *images, size_t image, float size[2])
{
    return images->source->size && images->source->size(images, image, size);
}

mask_status mask__images_block(const mask_images *images, size_t first, size_t count, float *buffer,
                               const float **features, size_t *rows, mask_error *err)
{
    if (first > images->count || count > images->count - first)
        return mask__fail(err, MASK_EINVAL, "%s: images %zu to %zu of %zu were asked for", images->path, first,
                          first + count, images->count);
    *rows = 0;
    for (size_t i = first; i < first + count; i++) *rows += mask_images_regions(images, i);
    return images->source->block(images, first, count, buffer, features, err);
}

static mask_status refuse(const mask_images *images, size_t image, size_t item, mask_error *err)
{
    char place[40] = "";
    size_t byte = images->source->byte ? images->source->byte(images, image, item) : 0;
    if (byte) snprintf(place, sizeof place, "byte %zu: ", byte);
    return mask__fail_at(err, MASK_ENUMERIC, byte ? byte : MASK_NO_OFFSET,
                         "%s: %simage %zu (%s), region %zu: the feature is NaN or infinite: extract it again",
                         images->path, place, image, mask_images_id(images, image), item / images->dim);
}

mask_status mask_images_features(const mask_images *images, size_t image, float *out, mask_error *err)
{
    const float *features;
    size_t rows = 0, where;
    MASK__TRY(mask__images_block(images, image, 1, out, &features, &rows, err));
    if (features != out) memcpy(out, features, rows * images->dim * sizeof *out);
    return mask__all_finite(out, rows * images->dim, &where) ? MASK_OK : refuse(images, image, where, err);
}

mask_status mask__images_refuse(const mask_images *images, size_t image, mask_error *err)
{
    float *values = malloc((mask_images_regions(images, image) * images->dim + 1) * sizeof *values);
    if (!values) return mask__no_memory(err, images->path);
    mask_status status = mask_images_features(images, image, values, err);
    free(values);
    return status;
}

static bool first_covers(const mask_images *images)
{
    for (size_t i = 0; i < mask_images_count(images); i++) {
        float whole[4], box[4];
        if (!mask_images_box(images, i, 0, whole)) return false;
        float slack = 0.01f * (whole[2] - whole[0] + whole[3] - whole[1]);
        for (size_t r = 1; r < mask_images_regions(images, i); r++)
            if (!mask_images_box(images, i, r, box) || box[0] < whole[0] - slack || box[1] < whole[1] - slack ||
                box[2] > whole[2] + slack || box[3] > whole[3] + slack)
                return false;
    }
    return mask_images_count(images) > 0;
}

bool mask__images_first_covers(const mask_images *images)
{
    int *known = &((mask_images *)images)->first_covers, answer = __atomic_load_n(known, __ATOMIC_RELAXED);
    if (!answer) {
        answer = first_covers(images) ? 2 : 1;
        __atomic_store_n(known, answer, __ATOMIC_RELAXED);
    }
    return answer == 2;
}
