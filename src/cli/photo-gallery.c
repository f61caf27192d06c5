/* mask search --photos: folders of photos to a gallery that is up to date. What is kept lies in the user's cache, one
 * folder for each set of folders of photos (told by their inodes, so that one that is renamed is known) and encoder:
 * the regions, a gallery of each knowledge that they were searched with, and the names of the folders. */
#include "photo-gallery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEFT = 64 /* bytes for a name in a folder of the cache */ };

/* FNV-1a, eight bytes at a time. */
static uint64_t fold(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    uint64_t word;
    for (; size >= sizeof word; size -= sizeof word, b += sizeof word) {
        memcpy(&word, b, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 32;
    }
    for (size_t i = 0; i < size; i++) hash = (hash ^ b[i]) * 0x100000001b3u;
    return hash;
}

/* The content of a file, so that the same one in another place counts as the same. */
static int fold_file(uint64_t *hash, const char *path)
{
    static unsigned char bytes[1 << 16];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (!file) return fail("%s: cannot be opened: %s", path, strerror(errno));
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0) *hash = fold(*hash, bytes, got);
    int bad = ferror(file);
    fclose(file);
    return bad ? fail("%s: cannot be read", path) : 0;
}

static int fold_folder(uint64_t *hash, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) return fail("%s: cannot be opened: %s", path, strerror(errno));
    const uint64_t facts[] = {(uint64_t)info.st_dev, (uint64_t)info.st_ino};
    *hash = fold(*hash, facts, sizeof facts);
    return 0;
}

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

int folders_read(folder_list *list, const char *place)
{
    char path[DATA_PATH], line[PATH_MAX + 2];
    *list = (folder_list){0};
    snprintf(path, sizeof path, "%.*s/folders", DATA_PATH - LEFT, place);
    FILE *file = fopen(path, "r");
    while (file && list->count < MOST_FOLDERS && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line && (list->folders[list->count] = strdup(line))) list->count++;
    }
    if (file) fclose(file);
    return list->count ? 0 : EXIT_FAILED;
}

int folders_of(const args *a, const char *name, folder_list *list)
{
    const char *folder;
    *list = (folder_list){0};
    for (size_t i = 0; (folder = args_each_text(a, name, i)); i++) {
        if (list->count == MOST_FOLDERS) return args_usage(a, "%s may be given %d times", name, MOST_FOLDERS);
        if (!(list->folders[list->count] = strdup(folder))) return fail("out of memory");
        list->count++;
    }
    return 0;
}

void folders_free(folder_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->folders[i]);
    *list = (folder_list){0};
}

int last_folders(folder_list *list)
{
    char root[DATA_PATH], place[DATA_PATH];
    *list = (folder_list){0};
    if (cache_root(root) != 0) return EXIT_FAILED;
    snprintf(place, sizeof place, "%.*s/last", DATA_PATH - LEFT, root);
    return folders_read(list, place);
}

static int write_lines(const char *path, char *const *lines, size_t count)
{
    output out;
    int result = output_open(&out, path);
    for (size_t i = 0; result == 0 && i < count; i++) fprintf(out.file, "%s\n", lines[i]);
    return result ? result : output_close(&out);
}

/* Writes the folders down, unless that is what stands there already. */
static int note_in(const char *place, const folder_list *folders)
{
    char path[DATA_PATH];
    folder_list noted;
    bool same = folders_read(&noted, place) == 0 && noted.count == folders->count;
    for (size_t i = 0; same && i < noted.count; i++) same = strcmp(noted.folders[i], folders->folders[i]) == 0;
    folders_free(&noted);
    if (same) return 0;
    snprintf(path, sizeof path, "%.*s/folders", DATA_PATH - LEFT, place);
    return write_lines(path, folders->folders, folders->count);
}

/* Both the folder of the cache and `last` remember the folders. */
static int note_folders(const char *place, const folder_list *folders)
{
    char last[DATA_PATH], root[DATA_PATH];
    folder_list whole = {0};
    int result = cache_root(root);
    for (; result == 0 && whole.count < folders->count; whole.count++)
        if (!(whole.folders[whole.count] = realpath(folders->folders[whole.count], NULL)))
            result = fail("%s: cannot be opened: %s", folders->folders[whole.count], strerror(errno));
    snprintf(last, sizeof last, "%.*s/last", DATA_PATH - LEFT, root);
    if (result == 0) result = note_in(place, &whole);
    if (result == 0) result = make_folders(last);
    if (result == 0) result = note_in(last, &whole);
    folders_free(&whole);
    return result;
}

/* ---- Regions and gallery ---- */

/* A table of what is known of each photo beside its pixels, for --where. */
static int write_facts(const mask_images *images, const char *path)
{
    output out;
    mask_error err;
    int result = output_open(&out, path);
    if (result) return result;
    fprintf(out.file, "id\tdate\tlatitude\tlongitude\tfolder\tfile\n");
    for (size_t i = 0; i < mask_images_count(images); i++) {
        mask_photo_facts facts;
        const char *name = mask_images_name(images, i), *slash = strrchr(name, '/');
        fprintf(out.file, "%s\t", mask_images_id(images, i));
        if (mask_photo_describe(&facts, name, &err) != MASK_OK) facts.date[0] = '\0';
        fprintf(out.file, "%s\t", facts.date);
        if (facts.latitude == facts.latitude) fprintf(out.file, "%.6f", facts.latitude);
        fputc('\t', out.file);
        if (facts.longitude == facts.longitude) fprintf(out.file, "%.6f", facts.longitude);
        fprintf(out.file, "\t%.*s\t%s\n", slash ? (int)(slash - name) : 0, name, slash ? slash + 1 : name);
    }
    return output_close(&out);
}

static mask_status describe(args *a, const mask_images *images, const char *gallery, mask_error *err)
{
    char table[DATA_PATH + 8];
    mask_status status = MASK_OK;
    snprintf(table, sizeof table, "%s.facts", gallery);
    if (write_facts(images, table) == 0) {
        status = mask_gallery_describe_images(gallery, table, &a->run, err);
    } else {
        status = MASK_EIO;
        snprintf(err->message, sizeof err->message, "what is known of the photos cannot be kept");
    }
    unlink(table);
    return status;
}

static mask_status update(args *a, const mask_knowledge *knowledge, const mask_images *images, const char *gallery,
                          mask_error *err)
{
    mask_status status = mask_gallery_create(gallery, knowledge, NULL, NULL, err);
    if (status == MASK_OK) status = mask_gallery_add(gallery, images, NULL, &a->run, err);
    if (status == MASK_OK) status = mask_gallery_keep(gallery, images, NULL, &a->run, err);
    if (status == MASK_OK) status = describe(a, images, gallery, err);
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

/* The lock of a cache folder, so that searches of the same photos take turns; it names who has it. */
static int take_turn(const char *place, int *lock)
{
    char path[DATA_PATH], who[24] = "";
    snprintf(path, sizeof path, "%.*s/lock", DATA_PATH - LEFT, place);
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0) return fail("%s: cannot be written: %s", path, strerror(errno));
    int busy = flock(*lock, LOCK_EX | LOCK_NB);
    if (busy && read(*lock, who, sizeof who - 1) > 0)
        fprintf(stderr, "waiting for process %.20s, which is reading these photos\n", who);
    if (busy) busy = flock(*lock, LOCK_EX);
    int length = snprintf(who, sizeof who, "%ld", (long)getpid());
    if (busy || ftruncate(*lock, 0) != 0 || pwrite(*lock, who, (size_t)length, 0) != length) {
        int result = fail("%s: cannot be written: %s", path, strerror(errno));
        close(*lock);
        return result;
    }
    return 0;
}

/* A gallery's mark holds what the regions' file was like when it was indexed to its end. */
static void stamp(const char *regions, char text[64])
{
    struct stat info = {0};
    if (stat(regions, &info) != 0) info.st_size = -1;
    snprintf(text, 64, "%lld %lld.%09ld", (long long)info.st_size, (long long)info.st_mtim.tv_sec,
             info.st_mtim.tv_nsec);
}

static bool is_indexed(const char *mark, const char *gallery, const char *regions)
{
    char now_text[64], then[64] = "";
    FILE *file = fopen(mark, "r");
    stamp(regions, now_text);
    bool same = file && fgets(then, sizeof then, file) && strncmp(then, now_text, strlen(now_text)) == 0 &&
                access(gallery, F_OK) == 0;
    if (file) fclose(file);
    return same;
}

static void say_report(const args *a, const mask_extract_report *r)
{
    if (a->quiet) return;
    progress_end();
    if (r->extracted || r->copied || r->vanished)
        fprintf(stderr, "%zu photos: %zu read, %zu moved or copied, %zu gone\n", r->good, r->extracted, r->copied,
                r->vanished);
    if (r->bad) fprintf(stderr, "%zu photos cannot be read (named when they were met first)\n", r->bad);
}

static int bring_up_to_date(args *a, const folder_list *folders, const char *encoder, const char *knowledge,
                            const char *place, const char *gallery)
{
    mask_error err;
    char regions[DATA_PATH], mark[DATA_PATH + 8], text[64];
    mask_extract_options o = mask_extract_defaults();
    mask_extract_report report;
    o.encoder = encoder;
    o.prune = true;
    o.small = true;
    o.exclude = args_text(a, "--exclude", NULL);
    snprintf(regions, sizeof regions, "%.*s/photos.regions", DATA_PATH - LEFT, place);
    snprintf(mark, sizeof mark, "%s.mark", gallery);
    if (mask_extract((const char *const *)folders->folders, folders->count, regions, &o, &report, &a->run, &err) !=
        MASK_OK)
        return failed(&err);
    say_report(a, &report);
    if (is_indexed(mark, gallery, regions)) return 0;
    unlink(mark);
    if (index_photos(a, knowledge, regions, gallery, &err) != MASK_OK) return failed(&err);
    stamp(regions, text);
    return write_lines(mark, (char *[]){text}, 1);
}

static int find_knowledge(const args *a, char path[DATA_PATH])
{
    const char *given = args_text(a, "--knowledge", NULL);
    if (given) return snprintf(path, DATA_PATH, "%s", given) < DATA_PATH ? 0 : fail("%.60s...: too long", given);
    return find_data("starter.mask", path)
               ? 0
               : fail("starter.mask is not beside the program: name a knowledge with --knowledge K.mask");
}

int photo_gallery(args *a, const folder_list *folders, char path[DATA_PATH])
{
    char encoder[DATA_PATH], knowledge[DATA_PATH], place[DATA_PATH], root[DATA_PATH];
    static const char kind[] = "whole, 2 x 2, 3 x 3; 8 bits, deflated"; /* regions made otherwise have another cache */
    uint64_t hash = 0xcbf29ce484222325u, known = hash;
    int lock;
    int result = find_encoder(a, encoder);
    if (result == 0) result = find_knowledge(a, knowledge);
    hash = fold(hash, kind, sizeof kind);
    for (size_t i = 0; result == 0 && i < folders->count; i++) result = fold_folder(&hash, folders->folders[i]);
    if (result == 0) result = fold_file(&hash, encoder);
    if (result == 0) result = fold_file(&known, knowledge);
    if (result == 0) result = cache_root(root);
    if (result) return result;
    snprintf(place, DATA_PATH, "%.*s/%016" PRIx64, DATA_PATH - LEFT, root, hash);
    snprintf(path, DATA_PATH, "%.*s/%016" PRIx64 ".gallery", DATA_PATH - LEFT, place, known);
    result = make_folders(place);
    if (result == 0) result = take_turn(place, &lock);
    if (result) return result;
    result = note_folders(place, folders);
    if (result == 0) result = bring_up_to_date(a, folders, encoder, knowledge, place, path);
    close(lock);
    progress_end();
    if (progress_interrupted())
        fprintf(stderr, "what was read is kept: the same command goes on where this one stopped\n");
    return result;
}

int open_photos_or_gallery(args *a, const folder_list *folders, char place[DATA_PATH], const char **path)
{
    int result = folders->count ? photo_gallery(a, folders, place) : 0;
    *path = folders->count ? place : a->positional[0];
    return result ? result : open_gallery(a, *path);
}

int photo_encoder_images(args *a, const char *photo, mask_images **images)
{
    mask_error err;
    char encoder[DATA_PATH];
    mask_extractor *extractor = NULL;
    int result = find_encoder(a, encoder);
    if (result) return result;
    mask_status status = mask_extractor_open(&extractor, encoder, NULL, &a->run, &err);
    if (status == MASK_OK) status = mask_extractor_images(images, extractor, &(mask_photo){.path = photo}, &err);
    mask_extractor_close(extractor);
    return status == MASK_OK ? 0 : failed(&err);
}
