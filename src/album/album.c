/* Folders of photos as a gallery that is up to date. What is kept lies in a cache, one folder for each set of folders
 * of photos (told by their inodes, so that one that is renamed is known) and encoder: the regions, a gallery of each
 * knowledge that they were searched with, and the names of the folders. `last` has those of the last call. */
#include "base/file.h"
#include "gallery/catalogue.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

typedef struct album {
    const char *const *folders;
    size_t count;
    const mask_photo_cache *cache;
    const mask_run *run;
    char *place, *regions, *gallery, *mark; /* a folder of the cache, and files in it */
} album;

/* a, b and c in one; *out is NULL on failure. */
static mask_status join(char **out, const char *a, const char *b, const char *c, mask_error *err)
{
    if (asprintf(out, "%s%s%s", a, b, c) >= 0) return MASK_OK;
    *out = NULL;
    return mask__no_memory(err, a);
}

static mask_status make_folder(const char *path, mask_error *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return MASK_OK;
    return mask__fail(err, MASK_EIO, "%s: cannot be made: %s", path, strerror(errno));
}

/* ---- Small files ---- */

static bool holds(const char *path, const char *text)
{
    mask__map map;
    if (!mask__is_file(path) || mask__map_open(&map, path, NULL) != MASK_OK) return false;
    bool same = map.size == strlen(text) && (!map.size || memcmp(map.data, text, map.size) == 0);
    mask__map_close(&map);
    return same;
}

static mask_status put(const char *path, const char *text, mask_error *err)
{
    mask__writer writer;
    MASK__TRY(mask__writer_open(&writer, path, err));
    mask_status status = mask__writer_put(&writer, text, strlen(text), err);
    if (status == MASK_OK) status = mask__writer_commit(&writer, err);
    mask__writer_abort(&writer);
    return status;
}

static mask_status note_in(const char *place, const char *names, mask_error *err)
{
    char *path;
    MASK__TRY(make_folder(place, err));
    MASK__TRY(join(&path, place, "/folders", "", err));
    mask_status status = holds(path, names) ? MASK_OK : put(path, names, err);
    free(path);
    return status;
}

/* Both the folder of the cache and `last` remember the folders, one a line. */
static mask_status note_folders(const album *a, mask_error *err)
{
    char *names = NULL, *last = NULL;
    mask_status status = MASK_OK;
    for (size_t i = 0; status == MASK_OK && i < a->count; i++) {
        char *whole = realpath(a->folders[i], NULL), *before = names;
        status = whole ? join(&names, before ? before : "", whole, "\n", err)
                       : mask__fail(err, MASK_EIO, "%s: cannot be opened: %s", a->folders[i], strerror(errno));
        free(whole);
        free(before);
        if (status != MASK_OK) names = NULL;
    }
    if (status == MASK_OK) status = join(&last, a->cache->path, "/last", "", err);
    if (status == MASK_OK) status = note_in(a->place, names, err);
    if (status == MASK_OK) status = note_in(last, names, err);
    free(names);
    free(last);
    return status;
}

/* ---- Regions and gallery ---- */

static void write_fact(FILE *out, const char *id, const char *name)
{
    mask_photo_facts facts;
    const char *slash = strrchr(name, '/');
    if (mask_photo_describe(&facts, name, NULL) != MASK_OK) facts = (mask_photo_facts){"", NAN, NAN};
    fprintf(out, "%s\t%s\t", id, facts.date);
    if (!isnan(facts.latitude)) fprintf(out, "%.6f", facts.latitude);
    fputc('\t', out);
    if (!isnan(facts.longitude)) fprintf(out, "%.6f", facts.longitude);
    fprintf(out, "\t%.*s\t%s\n", slash ? (int)(slash - name) : 0, name, slash ? slash + 1 : name);
}

/* What is known of each photo beside its pixels, for conditions. */
static mask_status describe(const album *a, const mask_images *images, mask_error *err)
{
    char *path, *table = NULL;
    size_t size;
    MASK__TRY(join(&path, a->gallery, ".facts", "", err));
    FILE *out = open_memstream(&table, &size);
    if (out) fprintf(out, "id\tdate\tlatitude\tlongitude\tfolder\tfile\n");
    for (size_t i = 0; out && i < mask_images_count(images); i++)
        write_fact(out, mask_images_id(images, i), mask_images_name(images, i));
    mask_status status = !out || fclose(out) != 0 ? mask__no_memory(err, path) : put(path, table, err);
    if (status == MASK_OK) status = mask_gallery_describe_images(a->gallery, path, a->run, err);
    unlink(path);
    free(table);
    free(path);
    return status;
}

static mask_status index_photos(const album *a, mask_error *err)
{
    mask_knowledge *knowledge;
    mask_images *images = NULL;
    MASK__TRY(mask_knowledge_open(&knowledge, a->cache->knowledge, NULL, err));
    mask_status status = mask_images_open(&images, a->regions, NULL, a->run, err);
    if (status == MASK_OK) status = mask_gallery_create(a->gallery, knowledge, NULL, NULL, err);
    if (status == MASK_OK) status = mask_gallery_add(a->gallery, images, NULL, a->run, err);
    if (status == MASK_OK) status = mask_gallery_keep(a->gallery, images, NULL, a->run, err);
    if (status == MASK_OK) status = describe(a, images, err);
    mask_images_close(images);
    mask_knowledge_close(knowledge);
    return status;
}

/* A gallery's mark holds what the regions' file was like when it was indexed to its end. */
static void stamp(const album *a, char text[64])
{
    struct stat info = {0};
    if (stat(a->regions, &info) != 0) info.st_size = -1;
    snprintf(text, 64, "%lld %lld.%09ld\n", (long long)info.st_size, (long long)info.st_mtim.tv_sec,
             info.st_mtim.tv_nsec);
}

static mask_status bring_up_to_date(const album *a, mask_extract_report *report, mask_error *err)
{
    char now[64];
    mask_extract_options o = mask_extract_defaults();
    o.encoder = a->cache->encoder;
    o.exclude = a->cache->exclude;
    o.prune = true;
    o.small = true;
    MASK__TRY(mask_extract(a->folders, a->count, a->regions, &o, report, a->run, err));
    stamp(a, now);
    if (holds(a->mark, now) && mask__is_folder(a->gallery)) return MASK_OK;
    unlink(a->mark);
    MASK__TRY(index_photos(a, err));
    return put(a->mark, now, err);
}

/* Where a gallery of these folders lies. */
static mask_status find_places(album *a, mask_error *err)
{
    static const char kind[] = "whole, 2 x 2, 3 x 3; 8 bits, deflated"; /* regions made otherwise have another cache */
    char name[24];
    uint64_t hash = XXH3_64bits(kind, sizeof kind), file;
    for (size_t i = 0; i < a->count; i++) {
        struct stat info;
        if (stat(a->folders[i], &info) != 0)
            return mask__fail(err, MASK_EIO, "%s: cannot be opened: %s", a->folders[i], strerror(errno));
        const uint64_t facts[] = {(uint64_t)info.st_dev, (uint64_t)info.st_ino};
        hash = XXH3_64bits_withSeed(facts, sizeof facts, hash);
    }
    MASK__TRY(mask__file_hash(a->cache->encoder, &file, err));
    snprintf(name, sizeof name, "/%016" PRIx64, XXH3_64bits_withSeed(&file, sizeof file, hash));
    MASK__TRY(join(&a->place, a->cache->path, name, "", err));
    MASK__TRY(join(&a->regions, a->place, "/photos.regions", "", err));
    MASK__TRY(mask__file_hash(a->cache->knowledge, &file, err));
    snprintf(name, sizeof name, "/%016" PRIx64, file);
    MASK__TRY(join(&a->gallery, a->place, name, ".gallery", err));
    return join(&a->mark, a->gallery, ".mark", "", err);
}

mask_status mask_photos_gallery(char **gallery, const char *const *folders, size_t count, const mask_photo_cache *cache,
                                mask_extract_report *report, const mask_run *run, mask_error *err)
{
    album a = {.folders = folders, .count = count, .cache = cache, .run = run};
    int lock = -1;
    *gallery = NULL;
    if (report) *report = (mask_extract_report){0};
    if (!count) return mask__fail(err, MASK_EINVAL, "no folder of photos is named");
    mask_status status = find_places(&a, err);
    if (status == MASK_OK) status = make_folder(a.place, err);
    if (status == MASK_OK) status = mask__folder_lock(a.place, true, run, &lock, err);
    if (status == MASK_OK) status = note_folders(&a, err);
    if (status == MASK_OK) status = bring_up_to_date(&a, report, err);
    if (lock >= 0) mask__folder_unlock(lock);
    if (status == MASK_OK) *gallery = a.gallery;
    else free(a.gallery);
    free(a.place);
    free(a.regions);
    free(a.mark);
    return status;
}
