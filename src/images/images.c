/* Sets of images, whatever file they lie in: chooses the source by content, checks what is asked for, and hands it on.
 */
#include "images/images.h"
#include "base/file.h"
#include "math/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 4096 };

typedef mask_status image_opener(mask_images **out, const char *path, const char *split, bool rows, const mask_run *run,
                                 mask_error *err);

static mask_status refuse_compressed(mask_images **out, const char *path, const char *split, bool rows,
                                     const mask_run *run, mask_error *err)
{
    (void)split, (void)rows, (void)run;
    *out = NULL;
    return mask__fail(
        err, MASK_EINVAL, 0,
        "%s: is compressed, so that no image can be found in it without reading all before: run gunzip on it", path);
}

static bool begins(const char *head, size_t got, const char *magic, size_t length)
{
    return got >= length && memcmp(head, magic, length) == 0;
}

/* A column before the first line ends. */
static bool has_columns(const char *head, size_t got)
{
    const char *tab = memchr(head, '\t', got), *newline = memchr(head, '\n', got);
    return tab && (!newline || tab < newline);
}

/* FOLDER, or FOLDER/SPLIT, holds .npz files. */
static bool is_npz_folder(const char *path, const char *split)
{
    char *folder;
    if (!split) return mask__images_is_npz_folder(path);
    if (strchr(split, '/') || asprintf(&folder, "%s/%s", path, split) < 0) return false;
    bool is = mask__images_is_npz_folder(folder);
    free(folder);
    return is;
}

/* What is no other format is for the .npy reader, whose refusals also cover paths that are not there. */
static image_opener *opener_of(const char *path, const char *split)
{
    char head[HEAD_BYTES];
    size_t got = 0;
    FILE *file = mask__is_file(path) ? fopen(path, "rb") : NULL;
    if (mask__is_folder(path)) return is_npz_folder(path, split) ? mask__images_open_npz : mask__images_open_npy;
    if (file) {
        got = fread(head, 1, sizeof head, file);
        fclose(file);
    }
    if (begins(head, got, "\x89HDF\r\n\x1a\n", 8)) return mask__images_open_h5;
    if (begins(head, got, "\x93NUMPY", 6)) return mask__images_open_npy;
    if (begins(head, got, "SQLite format 3", 16)) return mask__images_open_regions;
    if (begins(head, got, "\x1f\x8b", 2)) return refuse_compressed;
    return has_columns(head, got) ? mask__images_open_tsv : mask__images_open_npy;
}

mask_status mask__images_open_rows(mask_images **out, const char *path, const char *split, const mask_run *run,
                                   mask_error *err)
{
    return opener_of(path, split)(out, path, split, true, run, err);
}

mask_status mask_images_open(mask_images **out, const char *path, const char *split, const mask_run *run,
                             mask_error *err)
{
    return opener_of(path, split)(out, path, split, false, run, err);
}

void mask_images_close(mask_images *images)
{
    if (images) images->source->close(images);
}

bool mask__images_keep_every_fifth(mask_images *images)
{
    if (!images->source->keep_every_fifth) return false;
    images->source->keep_every_fifth(images);
    return true;
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
    return images->source->regions(images, image);
}

size_t mask__images_rows(const mask_images *images)
{
    size_t rows = 0;
    for (size_t i = 0; i < images->count; i++) rows += images->source->regions(images, i);
    return rows;
}

const char *mask__images_path(const mask_images *images)
{
    return images->path;
}

const char *mask_images_id(const mask_images *images, size_t image)
{
    return images->source->id(images, image);
}

const char *mask_images_name(const mask_images *images, size_t image)
{
    return images->source->name(images, image);
}

int64_t mask_images_find(const mask_images *images, const char *id)
{
    int64_t image = images->source->find(images, id);
    return image >= 0 && (size_t)image < images->count ? image : -1;
}

bool mask_images_box(const mask_images *images, size_t image, size_t region, float box[4])
{
    if (image >= images->count || region >= images->source->regions(images, image)) return false;
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
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "%s: images %zu to %zu of %zu were asked for", images->path,
                          first, first + count, images->count);
    *rows = 0;
    for (size_t i = first; i < first + count; i++) *rows += images->source->regions(images, i);
    return images->source->block(images, first, count, buffer, features, err);
}

mask_status mask_images_features(const mask_images *images, size_t image, float *out, mask_error *err)
{
    const float *features;
    size_t rows = 0, where;
    MASK__TRY(mask__images_block(images, image, 1, out, &features, &rows, err));
    if (features != out) memcpy(out, features, rows * images->dim * sizeof *out);
    return mask__all_finite(out, rows * images->dim, &where) ? MASK_OK
                                                             : images->source->refuse(images, image, where, err);
}

mask_status mask__images_refuse(const mask_images *images, size_t image, mask_error *err)
{
    float *values = malloc((images->source->regions(images, image) * images->dim + 1) * sizeof *values);
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
