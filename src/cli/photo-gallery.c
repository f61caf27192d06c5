/* mask search --photos: a folder of photos to a gallery that is up to date. What is kept lies in the user's cache,
 * under a name made of the folder, the encoder and the knowledge, so that another of these starts anew. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a over what tells one file from another. */
static uint64_t fold(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ b[i]) * 0x100000001b3u;
    return hash;
}

static int fold_file(uint64_t *hash, const char *path)
{
    struct stat info;
    char real[PATH_MAX];
    if (!realpath(path, real) || stat(real, &info) != 0) return fail("%s: cannot be opened: %s", path, strerror(errno));
    const int64_t facts[] = {S_ISDIR(info.st_mode) ? 0 : info.st_size, S_ISDIR(info.st_mode) ? 0 : info.st_mtime};
    *hash = fold(fold(*hash, real, strlen(real) + 1), facts, sizeof facts);
    return 0;
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

static int cache_place(char place[DATA_PATH], uint64_t hash)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool own = cache && *cache;
    if (!own && !home) return fail("neither XDG_CACHE_HOME nor HOME is set: there is no place to keep the index");
    int length = snprintf(place, DATA_PATH, "%s%s/mask/%016llx", own ? cache : home, own ? "" : "/.cache",
                          (unsigned long long)hash);
    if (length < 0 || length >= DATA_PATH - 32) return fail("the path of the cache is too long");
    return make_folders(place);
}

static mask_status update(args *a, const mask_knowledge *knowledge, const mask_images *images, const char *gallery,
                          mask_error *err)
{
    mask_status status = mask_gallery_create(gallery, knowledge, NULL, NULL, err);
    if (status == MASK_OK) status = mask_gallery_add(gallery, images, NULL, &a->run, err);
    if (status == MASK_OK) status = mask_gallery_keep(gallery, images, NULL, &a->run, err);
    return status;
}

static mask_status index_photos(args *a, const char *knowledge_path, const char *regions, const char *gallery,
                                mask_error *err)
{
    mask_knowledge *knowledge = NULL;
    mask_images *images = NULL;
    mask_status status = mask_knowledge_open(&knowledge, knowledge_path, NULL, err);
    if (status == MASK_OK) status = mask_images_open(&images, regions, NULL, &a->run, err);
    if (status == MASK_OK) status = update(a, knowledge, images, gallery, err);
    mask_images_close(images);
    mask_knowledge_close(knowledge);
    return status;
}

/* Extracts, then indexes if anything changed or `unfinished`. */
static mask_status bring_up_to_date(args *a, const char *folder, const char *encoder, const char *knowledge,
                                    const char *regions, const char *gallery, bool unfinished, mask_error *err)
{
    mask_extract_options o = mask_extract_defaults();
    mask_extract_report report;
    o.encoder = encoder;
    o.prune = true;
    mask_status status = mask_extract(&folder, 1, regions, &o, &report, &a->run, err);
    if (status != MASK_OK) return status;
    if (unfinished || report.extracted || report.copied || report.vanished)
        return index_photos(a, knowledge, regions, gallery, err);
    return MASK_OK;
}

/* The file that says whether an update is under way: empty when the last one came to its end. Its lock makes searches
 * of one folder take turns. */
static int open_mark(const char *place, int *mark, bool *unfinished)
{
    char path[DATA_PATH + 16];
    struct stat info;
    snprintf(path, sizeof path, "%s/unfinished", place);
    *mark = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*mark < 0 || flock(*mark, LOCK_EX) != 0 || fstat(*mark, &info) != 0 || write(*mark, "1", 1) != 1) {
        int result = fail("%s: cannot be written: %s", path, strerror(errno));
        if (*mark >= 0) close(*mark);
        return result;
    }
    *unfinished = info.st_size > 0;
    return 0;
}

int photo_gallery(args *a, const char *folder, char path[DATA_PATH])
{
    mask_error err;
    char encoder[DATA_PATH], starter[DATA_PATH], place[DATA_PATH], regions[DATA_PATH + 16];
    const char *knowledge = args_text(a, "--knowledge", NULL);
    static const char regions_kind[] = "whole, 2 x 2, 3 x 3"; /* with other regions, another cache */
    uint64_t hash = 0xcbf29ce484222325u;
    int mark;
    bool unfinished = false;
    int result = find_encoder(a, encoder);
    if (result) return result;
    if (!knowledge && !find_data("starter.mask", starter))
        return fail("starter.mask is not beside the program: name a knowledge with --knowledge K.mask");
    if (!knowledge) knowledge = starter;
    hash = fold(hash, regions_kind, sizeof regions_kind);
    result = fold_file(&hash, folder);
    if (result == 0) result = fold_file(&hash, encoder);
    if (result == 0) result = fold_file(&hash, knowledge);
    if (result == 0) result = cache_place(place, hash);
    if (result == 0) result = open_mark(place, &mark, &unfinished);
    if (result) return result;
    snprintf(path, DATA_PATH, "%.*s/photos.gallery", DATA_PATH - 32, place); /* cache_place left room */
    snprintf(regions, sizeof regions, "%s/photos.regions", place);
    unfinished = unfinished || access(path, F_OK) != 0;
    if (bring_up_to_date(a, folder, encoder, knowledge, regions, path, unfinished, &err) != MASK_OK)
        result = failed(&err);
    else if (ftruncate(mark, 0) != 0) result = fail("%s: cannot be written: %s", place, strerror(errno));
    close(mark);
    progress_end();
    return result;
}
