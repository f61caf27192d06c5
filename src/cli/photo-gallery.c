/* mask search --photos: folders of photos, and the user's cache in which the library keeps what it makes of them. */
#include "photo-gallery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEFT = 64 /* bytes for a name in a folder of the cache */ };

int cache_root(char root[DATA_PATH])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool own = cache && *cache;
    if (!own && !home) return fail("neither XDG_CACHE_HOME nor HOME is set: there is no place to keep the index");
    int length = snprintf(root, DATA_PATH, "%s%s/mask", own ? cache : home, own ? "" : "/.cache");
    return length > 0 && length < DATA_PATH - 2 * LEFT ? 0 : fail("the path of the cache is too long");
}

/* Makes a folder and those above it. */
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = '\0';
        int bad = mkdir(path, 0777) != 0 && errno != EEXIST;
        if (slash) *slash = '/';
        if (bad) return fail("%s: cannot be made: %s: set XDG_CACHE_HOME to a folder of yours", path, strerror(errno));
        if (!slash) return 0;
    }
}

int cache_file(const char *name, char path[DATA_PATH])
{
    char root[DATA_PATH];
    int result = cache_root(root);
    if (result == 0) result = make_folders(root);
    if (result == 0) snprintf(path, DATA_PATH, "%.*s/%s", DATA_PATH - LEFT, root, name);
    return result;
}

/* ---- The names of the folders, and which were searched last ---- */

int folders_read(text_list *list, const char *place)
{
    char path[DATA_PATH];
    *list = (text_list){0};
    snprintf(path, sizeof path, "%.*s/folders", DATA_PATH - LEFT, place);
    if (access(path, R_OK) == 0) lines_read(list, path);
    return list->count ? 0 : EXIT_FAILED;
}

int folders_of(const args *a, const char *name, text_list *list)
{
    const char *folder;
    int result = 0;
    *list = (text_list){0};
    for (size_t i = 0; result == 0 && (folder = args_each_text(a, name, i)); i++) result = texts_add(list, folder);
    return result;
}

int last_folders(text_list *list)
{
    char root[DATA_PATH], place[DATA_PATH];
    *list = (text_list){0};
    if (cache_root(root) != 0) return EXIT_FAILED;
    snprintf(place, sizeof place, "%.*s/last", DATA_PATH - LEFT, root);
    return folders_read(list, place);
}

/* ---- The gallery of the folders ---- */

static void say_report(const args *a, const mask_extract_report *r)
{
    if (a->quiet) return;
    if (r->extracted || r->copied || r->vanished)
        fprintf(stderr, "%zu photos: %zu read, %zu moved or copied, %zu gone\n", r->good, r->extracted, r->copied,
                r->vanished);
    if (r->bad) fprintf(stderr, "%zu photos cannot be read (named when they were met first)\n", r->bad);
}

int photo_gallery(args *a, const text_list *folders, char path[DATA_PATH])
{
    mask_extract_report report;
    char encoder[DATA_PATH], knowledge[DATA_PATH], root[DATA_PATH], *gallery;
    mask_photo_cache cache = {root, encoder, knowledge, args_text(a, "--exclude", NULL)};
    int result = find_encoder(a, encoder);
    if (result == 0)
        result = find_file(args_text(a, "--knowledge", NULL), "starter.mask",
                           "name a knowledge with --knowledge K.mask", knowledge);
    if (result == 0) result = cache_root(root);
    if (result == 0) result = make_folders(root);
    if (result) return result;
    mask_status status = mask_photos_gallery(&gallery, (const char *const *)folders->texts, folders->count, &cache,
                                             &report, &a->run, &a->err);
    if (progress_interrupted())
        fprintf(stderr, "what was read is kept: the same command goes on where this one stopped\n");
    if (status != MASK_OK) return failed(&a->err);
    say_report(a, &report);
    int length = snprintf(path, DATA_PATH, "%s", gallery);
    free(gallery);
    return length < DATA_PATH ? 0 : fail("the path of the cache is too long");
}

int open_photos_or_gallery(args *a, const text_list *folders, char place[DATA_PATH], const char **path)
{
    int result = folders->count ? photo_gallery(a, folders, place) : 0;
    *path = folders->count ? place : a->positional[0];
    return result ? result : open_gallery(a, *path);
}
