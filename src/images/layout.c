#include "images/layout.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES "_ims.npy"

enum { LIST_BYTES = 256 };

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Appends to a list for a message, which ends in "..." when it is full. */
static void list(char out[LIST_BYTES], const char *item, size_t length)
{
    size_t used = strlen(out);
    if (used + length + 8 < LIST_BYTES)
        snprintf(out + used, LIST_BYTES - used, "%s%.*s", used ? ", " : "", (int)length, item);
    else if (!ends_with(out, "...")) snprintf(out + used, LIST_BYTES - used, "...");
}

static void list_splits(char out[LIST_BYTES], const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (ends_with(entries[i]->d_name, FEATURES))
            list(out, entries[i]->d_name, strlen(entries[i]->d_name) - strlen(FEATURES));
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

/* The precomp folder that `entry` of `root` is or holds, NULL when none. */
static char *precomp_of(const char *root, const char *entry)
{
    bool named = ends_with(entry, "_precomp") || strcmp(entry, "precomp") == 0;
    char *path = entry[0] == '.' ? NULL : mask__text("%s/%s%s", root, entry, named ? "" : "/precomp");
    if (path && mask__is_folder(path)) return path;
    free(path);
    return NULL;
}

/* The one precomp folder below a root into *folder (NULL when there is none); more than one are refused. */
static mask_status below_root(char **folder, const char *root, mask_error *err)
{
    char found[LIST_BYTES] = "";
    struct dirent **entries;
    int many = 0, count = scandir(root, &entries, NULL, alphasort);
    *folder = NULL;
    for (int i = 0; i < count; i++) {
        char *path = precomp_of(root, entries[i]->d_name);
        free(entries[i]);
        if (!path) continue;
        list(found, path, strlen(path));
        free(*folder);
        *folder = path;
        many++;
    }
    if (count >= 0) free(entries);
    if (many <= 1) return MASK_OK;
    free(*folder);
    *folder = NULL;
    return mask__fail(err, MASK_EINVAL, "%s: holds several datasets: name one of %s", root, found);
}

static mask_status stem_of_file(char **stem, const char *path, mask_error *err)
{
    size_t length = strlen(path);
    if (!ends_with(path, ".npy"))
        return mask__fail(err, MASK_EINVAL, "%s: is neither a *" FEATURES " file nor a folder of them: name one", path);
    length -= ends_with(path, FEATURES) ? strlen(FEATURES) : strlen(".npy");
    *stem = strndup(path, length);
    return *stem ? MASK_OK : mask__no_memory(err, path);
}

static mask_status no_such_split(const char *folder, const char *below, const char *split, mask_error *err)
{
    char splits[LIST_BYTES];
    list_splits(splits, below ? below : folder);
    if (!split)
        return mask__fail(err, MASK_EINVAL, "%s: is a folder, so a split is needed: %s%s", below ? below : folder,
                          splits[0] ? "it has " : "but it has no *" FEATURES, splits);
    return mask__fail(err, MASK_ENOTFOUND, "%s/%s" FEATURES ": not found%s%s%s%s%s: %s%s", folder, split,
                      below ? ", nor is " : "", below ? below : "", below ? "/" : "", below ? split : "",
                      below ? FEATURES : "", splits[0] ? "the splits there are " : "no *" FEATURES " is there", splits);
}

/* FOLDER/SPLIT if its features exist, else NULL. */
static mask_status try_split(char **stem, const char *folder, const char *split, mask_error *err)
{
    *stem = NULL;
    if (!split) return MASK_OK;
    MASK__FREED char *features = mask__text("%s/%s" FEATURES, folder, split);
    if (!features) return mask__no_memory(err, folder);
    if (!mask__is_file(features)) return MASK_OK;
    *stem = mask__text("%s/%s", folder, split);
    return *stem ? MASK_OK : mask__no_memory(err, folder);
}

mask_status mask__layout_stem(char **stem, const char *path, const char *split, mask_error *err)
{
    MASK__FREED char *below = NULL;
    *stem = NULL;
    if (split && (!*split || strchr(split, '/')))
        return mask__fail(err, MASK_EINVAL, "%s: '%s' is not the name of a split: use dev or test", path, split);
    if (!mask__is_folder(path)) {
        if (mask__is_file(path)) return stem_of_file(stem, path, err);
        MASK__TRY(mask__check_regular(path, err));
        return mask__fail(err, MASK_EIO, "%s: cannot open: no such file or folder", path);
    }
    MASK__TRY(try_split(stem, path, split, err));
    if (*stem) return MASK_OK;
    MASK__TRY(below_root(&below, path, err));
    if (below) MASK__TRY(try_split(stem, below, split, err));
    return *stem ? MASK_OK : no_such_split(path, below, split, err);
}
