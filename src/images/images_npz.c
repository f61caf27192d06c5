/* Sets of images in a folder of .npz files, one an image (MILVLG's bottom-up attention): x (regions x dim), bbox
 * (regions x 4), num_bbox, image_w, image_h; other members, such as the pickled info, are never read. An image's id is
 * its file's name without .npz; images are in the order of their ids, numbers within them by value.
 *
 * Opening reads the header of each file's x. A file that cannot be used, as an interrupted writer leaves one, is
 * skipped, and a warning counts them; more of them than good ones are refused. */
#include "images/images.h"
#include "formats/npz.h"
#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_REGIONS = 1 << 20 };

typedef struct found {
    char *id;
    uint32_t regions, dim; /* 0 = cannot be used */
} found;

typedef struct npz_images {
    mask_images base; /* path is the folder */
    found *files;     /* of each image, in order; while the folder is read, of each file */
    size_t count, capacity;
} npz_images;

static bool is_npz(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".npz") == 0;
}

bool mask__images_is_npz_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    bool any = false;
    while (folder && !any && (entry = readdir(folder))) any = is_npz(entry->d_name);
    if (folder) closedir(folder);
    return any;
}

static int by_id(const void *a, const void *b)
{
    return strverscmp(((const found *)a)->id, ((const found *)b)->id);
}

static mask_status list_files(npz_images *n, mask_error *err)
{
    struct dirent *entry;
    DIR *folder = opendir(n->base.path);
    mask_status status = MASK_OK;
    if (!folder) return mask__fail(err, MASK_EIO, "%s: cannot read the folder: %m", n->base.path);
    while (status == MASK_OK && (entry = readdir(folder))) {
        if (!is_npz(entry->d_name)) continue;
        char *id = mask__grow(&n->files, &n->capacity, n->count + 1, sizeof *n->files)
                       ? strndup(entry->d_name, strlen(entry->d_name) - 4)
                       : NULL;
        if (id) n->files[n->count++] = (found){.id = id};
        else status = mask__no_memory(err, n->base.path);
    }
    closedir(folder);
    if (n->count) qsort(n->files, n->count, sizeof *n->files, by_id);
    return status;
}

static mask_status open_file(mask__npz *npz, const npz_images *n, const char *id, mask_error *err)
{
    MASK__FREED char *path = mask__text("%s/%s.npz", n->base.path, id);
    return path ? mask__npz_open(npz, path, err) : mask__no_memory(err, id);
}

static mask_status check_file(const npz_images *n, found *file, mask_error *err)
{
    MASK__CLOSED(mask__npz_close) mask__npz npz = {0};
    mask__npy x, boxes;
    int64_t told;
    MASK__TRY(open_file(&npz, n, file->id, err));
    MASK__TRY(mask__npz_describe(&npz, "x", &x, err));
    if (!mask__npy_is_float(&x) || x.ndim != 2 || x.shape[0] > MAX_REGIONS || x.shape[1] > UINT32_MAX)
        return mask__fail(err, MASK_EFORMAT, "%s: x is not regions x dim of floating-point numbers: extract it again",
                          npz.path);
    MASK__TRY(mask__npz_integer(&npz, "num_bbox", &told, err));
    if (told >= 0 && (uint64_t)told != x.shape[0])
        return mask__fail(err, MASK_EMISMATCH, "%s: num_bbox is %lld, but x has %zu rows: extract it again", npz.path,
                          (long long)told, x.shape[0]);
    if (mask__npz_has(&npz, "bbox")) {
        MASK__TRY(mask__npz_describe(&npz, "bbox", &boxes, err));
        if (boxes.ndim != 2 || boxes.shape[0] != x.shape[0] || boxes.shape[1] != 4)
            return mask__fail(err, MASK_EMISMATCH, "%s: bbox is not %zu x 4, as x has rows: extract it again", npz.path,
                              x.shape[0]);
    }
    file->regions = (uint32_t)x.shape[0];
    file->dim = (uint32_t)x.shape[1];
    return MASK_OK;
}

/* Looks into every file; *first tells of the first that cannot be used. */
static mask_status check_files(npz_images *n, mask_error *first, const mask_run *run, mask_error *err)
{
    size_t votes = 0; /* for base.dim: a majority has it if any value has one */
    for (size_t i = 0; i < n->count; i++) {
        mask_error why = {0};
        if (i % 64 == 0) MASK__TRY(mask__progress(run, "opening", "files", i, n->count, err));
        mask_status status = check_file(n, &n->files[i], &why);
        if (status == MASK_ENOMEM) {
            if (err) *err = why;
            return status;
        }
        if (status != MASK_OK && first->status == MASK_OK) *first = why;
        if (status != MASK_OK) continue;
        if (votes == 0) n->base.dim = n->files[i].dim;
        if (n->files[i].dim == n->base.dim) votes++;
        else votes--;
    }
    return MASK_OK;
}

/* Keeps the files that can be used; warns of the others, or refuses when they are the most. */
static mask_status choose_files(npz_images *n, mask_error *first, const mask_run *run, mask_error *err)
{
    size_t kept = 0, skipped;
    for (size_t i = 0; i < n->count; i++) {
        found *file = &n->files[i];
        if (file->dim && file->dim != n->base.dim && first->status == MASK_OK)
            mask__fail(first, MASK_EMISMATCH,
                       "%s/%s.npz: its features have %u dimensions, most have %zu: extract all alike", n->base.path,
                       file->id, file->dim, n->base.dim);
        if (file->dim && file->dim == n->base.dim) {
            found swap = n->files[kept];
            n->files[kept++] = *file;
            *file = swap;
        }
    }
    skipped = n->count - kept;
    n->base.count = kept;
    if (skipped > kept) {
        if (err) *err = *first;
        return first->status;
    }
    if (skipped)
        mask__log(run, MASK_LOG_WARNING, "%s: skipped %zu of %zu files; the first: %s", n->base.path, skipped, n->count,
                  first->message);
    n->base.regions = calloc(kept + 1, sizeof *n->base.regions);
    if (!n->base.regions) return mask__no_memory(err, n->base.path);
    for (size_t i = 0; i < kept; i++) {
        n->base.regions[i] = n->files[i].regions;
        MASK__TRY(mask__names_add(&n->base.ids, n->files[i].id, strlen(n->files[i].id), err));
    }
    return MASK_OK;
}

static bool read_boxes(const mask_images *base, size_t image, float *boxes)
{
    const npz_images *n = (const npz_images *)base;
    MASK__CLOSED(mask__npz_close) mask__npz npz = {0};
    return open_file(&npz, n, n->files[image].id, NULL) == MASK_OK &&
           mask__npz_floats(&npz, "bbox", n->files[image].regions * (size_t)4, boxes, NULL) == MASK_OK;
}

static bool size_of(const mask_images *base, size_t image, float size[2])
{
    const npz_images *n = (const npz_images *)base;
    MASK__CLOSED(mask__npz_close) mask__npz npz = {0};
    int64_t width = -1, height = -1;
    bool read = open_file(&npz, n, n->files[image].id, NULL) == MASK_OK &&
                mask__npz_integer(&npz, "image_w", &width, NULL) == MASK_OK &&
                mask__npz_integer(&npz, "image_h", &height, NULL) == MASK_OK;
    size[0] = (float)width;
    size[1] = (float)height;
    return read && width > 0 && height > 0;
}

/* Into the image's place in a buffer of the images from `first` on. */
static mask_status read_features(const npz_images *n, size_t first, size_t image, float *buffer, mask_error *err)
{
    float *out = buffer;
    for (size_t i = first; i < image; i++) out += n->files[i].regions * n->base.dim;
    const found *file = &n->files[image];
    MASK__CLOSED(mask__npz_close) mask__npz npz = {0};
    MASK__TRY(open_file(&npz, n, file->id, err));
    return mask__npz_floats(&npz, "x", (size_t)file->regions * file->dim, out, err);
}

static mask_status block(const mask_images *base, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    const npz_images *n = (const npz_images *)base;
    size_t failed = SIZE_MAX;
    *features = buffer;
#pragma omp parallel for schedule(dynamic) reduction(min : failed) if (count > 1)
    for (size_t i = 0; i < count; i++) {
        if (read_features(n, first, first + i, buffer, NULL) != MASK_OK && i < failed) failed = i;
    }
    for (size_t i = failed; i < count; i++)
        MASK__TRY(read_features(n, first, first + i, buffer, err)); /* for the message */
    return MASK_OK;
}

static void close_images(mask_images *base)
{
    npz_images *n = (npz_images *)base;
    for (size_t i = 0; i < n->count; i++) free(n->files[i].id);
    free(n->files);
}

static mask_status open_images(mask_images *base, const mask__images_request *request, mask_error *err)
{
    mask_error first = {0};
    npz_images *n = (npz_images *)base;
    if (request->split) {
        char *folder = mask__text("%s/%s", base->path, request->split);
        if (!folder) return mask__no_memory(err, base->path);
        free(base->path);
        base->path = folder;
    }
    MASK__TRY(list_files(n, err));
    MASK__TRY(check_files(n, &first, request->run, err));
    return choose_files(n, &first, request->run, err);
}

const mask__images_source mask__images_npz = {
    .bytes = sizeof(npz_images),
    .open = open_images,
    .boxes = read_boxes,
    .size = size_of,
    .block = block,
    .sorted = true,
    .close = close_images,
};
