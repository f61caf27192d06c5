/* Chooses the source of a set of images by content. */
#include "images/images.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 4096 };

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
    if (!split) return mask__images_is_npz_folder(path);
    MASK__FREED char *folder = strchr(split, '/') ? NULL : mask__text("%s/%s", path, split);
    return folder && mask__images_is_npz_folder(folder);
}

/* What is no other format is for the .npy reader, whose refusals also cover paths that are not there. */
static mask_status choose_source(const mask__images_source **out, const char *path, const char *split, mask_error *err)
{
    char head[HEAD_BYTES];
    size_t got = 0;
    FILE *file = mask__is_file(path) ? fopen(path, "rb") : NULL;
    if (file) {
        got = fread(head, 1, sizeof head, file);
        fclose(file);
    }
    *out = &mask__images_npy;
    if (begins(head, got, "\x1f\x8b", 2))
        return mask__fail_at(
            err, MASK_EINVAL, 0,
            "%s: is compressed, so that no image can be found in it without reading all before: run gunzip on it",
            path);
    if (begins(head, got, "\x89HDF\r\n\x1a\n", 8)) *out = &mask__images_h5;
    else if (begins(head, got, "SQLite format 3", 16)) *out = &mask__images_regions;
    else if (mask__is_folder(path) && is_npz_folder(path, split)) *out = &mask__images_npz;
    else if (!begins(head, got, "\x93NUMPY", 6) && has_columns(head, got)) *out = &mask__images_tsv;
    return MASK_OK;
}

static mask_status open_images(mask_images **out, const char *path, const mask__images_request *request,
                               mask_error *err)
{
    const mask__images_source *source;
    *out = NULL;
    MASK__TRY(choose_source(&source, path, request->split, err));
    MASK__TRY(mask__images_open_as(out, source, path, request, err));
    if ((*out)->count) return MASK_OK;
    mask_images_close(*out);
    *out = NULL;
    return mask__fail(err, MASK_EFORMAT, "%s: holds no image that can be used", path);
}

mask_status mask__images_open_rows(mask_images **out, const char *path, const char *split, const mask_run *run,
                                   mask_error *err)
{
    return open_images(out, path, &(mask__images_request){split, true, run}, err);
}

mask_status mask_images_open(mask_images **out, const char *path, const char *split, const mask_run *run,
                             mask_error *err)
{
    return open_images(out, path, &(mask__images_request){split, false, run}, err);
}
