/* The photos of mask serve: given out whole and small, taken in and removed. */
#include "results.h"
#include "serve.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* The media type of a photo by its first bytes, and the ending of its file; NULL: nothing that is taken or given. */
static const char *photo_type(const unsigned char *b, size_t size, const char **ending)
{
    static const struct {
        const char *type, *ending, *magic;
        size_t at, length;
    } types[] = {
        {"image/jpeg", ".jpg", "\xff\xd8\xff", 0, 3}, {"image/png", ".png", "\x89PNG\r\n\x1a\n", 0, 8},
        {"image/gif", ".gif", "GIF8", 0, 4},          {"image/webp", ".webp", "WEBP", 8, 4},
        {"image/tiff", ".tif", "II*\0", 0, 4},        {"image/tiff", ".tif", "MM\0*", 0, 4},
        {"image/avif", ".avif", "ftypavi", 4, 7},     {"image/heic", ".heic", "ftyp", 4, 4},
    };
    for (size_t i = 0; size >= 12 && i < sizeof types / sizeof *types; i++)
        if (memcmp(b + types[i].at, types[i].magic, types[i].length) == 0) {
            *ending = types[i].ending;
            return types[i].type;
        }
    return NULL;
}

/* ---- Small photos, kept ---- */

enum { SLOTS = 512, MOST_KEPT = 128 << 10 };

static struct {
    char key[80];
    unsigned char *bytes;
    size_t size;
} kept[SLOTS];
static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;

static size_t slot_of(const char *key)
{
    unsigned hash = 2166136261u;
    for (; *key; key++) hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash % SLOTS;
}

/* Copies a photo out, or one in where x has it. */
static void keep(exchange *x, const char *key)
{
    size_t i = slot_of(key);
    bool give = !x->bytes;
    pthread_mutex_lock(&keeping);
    const unsigned char *from = give ? kept[i].bytes : x->bytes;
    size_t size = give ? kept[i].size : x->size;
    unsigned char *copy = (give ? from && strcmp(kept[i].key, key) == 0 : size <= MOST_KEPT) ? malloc(size) : NULL;
    if (copy) {
        memcpy(copy, from, size);
        if (give) {
            x->bytes = copy;
            x->size = size;
        } else {
            free(kept[i].bytes);
            kept[i].bytes = copy;
            kept[i].size = size;
            snprintf(kept[i].key, sizeof kept[i].key, "%s", key);
        }
    }
    pthread_mutex_unlock(&keeping);
}

/* ---- Given out ---- */

const char *path_below(const char *path, const char *folder)
{
    char root[DATA_PATH];
    size_t size = realpath(folder, root) ? strlen(root) : 0;
    if (size == 0 || strncmp(path, root, size) != 0) return NULL;
    if (size == 1) return path + 1;
    return path[size] == '/' ? path + size + 1 : path[size] ? NULL : path + size;
}

/* Whether an open file lies in a folder that is served. */
static bool inside(const server *s, const exchange *x, int file)
{
    char link[64], path[DATA_PATH];
    const text_list *folders = x->gallery->photos ? &s->folders : &s->roots;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    for (size_t i = 0; i < folders->count; i++)
        if (path_below(path, folders->texts[i])) return true;
    return folders->count == 0;
}

/* The open file of an image; -1 with an error in x. */
static int open_photo(server *s, exchange *x, struct stat *info)
{
    char *path = NULL;
    const char *ending;
    unsigned char head[12];
    mask_status status = mask_gallery_name(x->use->gallery, x->asked.id, &path, &x->err);
    if (status != MASK_OK) {
        library_error(x, status);
        return -1;
    }
    int file = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    free(path);
    if (file < 0 || fstat(file, info) != 0 || !S_ISREG(info->st_mode))
        serve_error(x, 404, "no_photo", "the gallery names no file for this image, or it is no longer there");
    else if (!inside(s, x, file))
        serve_error(x, 403, "outside", "the file of this image lies outside the folders that are served");
    else if (!(x->type = photo_type(head, pread(file, head, sizeof head, 0) == sizeof head ? 12 : 0, &ending)))
        serve_error(x, 415, "unsupported_photo", "the file of this image is not a photo");
    if (!x->json) return file;
    if (file >= 0) close(file);
    return -1;
}

/* Names what is given out; false when the client has it already. */
static bool fresh(exchange *x, const struct stat *info, json_int_t side)
{
    snprintf(x->etag, sizeof x->etag, "\"%llx-%llx-%llx\"",
             (unsigned long long)info->st_mtim.tv_sec * 1000000000ULL + (unsigned long long)info->st_mtim.tv_nsec,
             (unsigned long long)info->st_size ^ (unsigned long long)info->st_ino << 20, (unsigned long long)side);
    return !x->known || strcmp(x->known, x->etag) != 0;
}

void answer_image(server *s, exchange *x)
{
    struct stat info;
    int file = open_photo(s, x, &info);
    if (file < 0) return;
    fresh(x, &info, 0);
    x->file = file;
    x->size = (size_t)info.st_size;
}

void answer_thumbnail(server *s, exchange *x)
{
    struct stat info;
    char path[64];
    int file = open_photo(s, x, &info);
    if (file < 0) return;
    x->type = "image/jpeg";
    if (fresh(x, &info, x->asked.side)) {
        keep(x, x->etag);
        if (!x->bytes) {
            snprintf(path, sizeof path, "/proc/self/fd/%d",
                     file); /* the file that was looked at, whatever the name is now */
            mask_status status = mask_photo_thumbnail(path, (int)x->asked.side, &x->bytes, &x->size, &x->err);
            if (status == MASK_OK) keep(x, x->etag);
            else serve_error(x, status == MASK_EIO ? 500 : 415, "unsupported_photo", "this photo cannot be decoded");
        }
    }
    close(file);
}

/* ---- Taken in ---- */

static bool good_name(const char *name)
{
    if (*name == '.' || *name == '-') return false;
    for (const unsigned char *at = (const unsigned char *)name; *at; at++)
        if (!isalnum(*at) && !strchr("._- ", *at) && *at < 0x80) return false;
    return true;
}

/* The path of an upload: its name, or one by its content. */
static bool choose_path(server *s, exchange *x, char path[DATA_PATH])
{
    const char *ending = "", *name = x->asked.name;
    const char *type = photo_type((const unsigned char *)x->body, x->body_size, &ending);
    if (!type) serve_error(x, 415, "unsupported_photo", "the body is not a photo");
    else if (name && !good_name(name))
        serve_error(x, 400, "invalid_request", "name: letters, digits, spaces, '.', '_' and '-', a letter first");
    if (x->json) return false;
    uint64_t hash = XXH3_64bits(x->body, x->body_size);
    const char *dot = name ? strrchr(name, '.') : NULL;
    bool right = dot && (strcasecmp(dot, ending) == 0 || (strcmp(ending, ".jpg") == 0 && !strcasecmp(dot, ".jpeg")));
    if (name) snprintf(path, DATA_PATH, "%.*s/%s%s", DATA_PATH - 160, s->uploads, name, right ? "" : ending);
    else snprintf(path, DATA_PATH, "%.*s/%016llx%s", DATA_PATH - 160, s->uploads, (unsigned long long)hash, ending);
    return true;
}

/* What the file is called in the gallery: below its folder of photos, as `mask search --photos` calls it. */
static const char *id_of(const server *s, const exchange *x, const char *path)
{
    const char *best = NULL;
    for (size_t i = 0; x->gallery->photos && i < s->folders.count; i++) {
        const char *id = path_below(path, s->folders.texts[i]);
        if (id && (!best || id < best)) best = id; /* the longer id tells more */
    }
    return best ? best : strrchr(path, '/') + 1;
}

static bool same_content(const exchange *x, const char *path)
{
    char block[4096];
    size_t at = 0, got = 0;
    FILE *file = fopen(path, "rb");
    bool same = file != NULL;
    while (same && (got = fread(block, 1, sizeof block, file)) > 0) {
        same = at + got <= x->body_size && memcmp(block, x->body + at, got) == 0;
        at += got;
    }
    if (file) fclose(file);
    return same && at == x->body_size;
}

static void sync_folder(const server *s)
{
    int folder = open(s->uploads, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    fsync(folder);
    close(folder);
}

/* Writes the body: whole under its name, or not at all. *made: it was not there before. */
static bool write_photo(server *s, exchange *x, const char *path, bool *made)
{
    char temporary[DATA_PATH];
    snprintf(temporary, sizeof temporary, "%.*s/.mask-upload-XXXXXX", DATA_PATH - 32, s->uploads);
    int file = mkostemp(temporary, O_CLOEXEC);
    bool good = file >= 0;
    for (size_t at = 0; good && at < x->body_size;) {
        ssize_t wrote = write(file, x->body + at, x->body_size - at);
        good = wrote > 0;
        at += good ? (size_t)wrote : 0;
    }
    good = good && fchmod(file, 0644) == 0 && fsync(file) == 0;
    *made = good && link(temporary, path) == 0;
    bool there = good && !*made && errno == EEXIST;
    if (file >= 0) {
        close(file);
        unlink(temporary);
    }
    if (*made) sync_folder(s);
    if (*made || (there && same_content(x, path))) return true;
    if (there) serve_error(x, 409, "conflict", "there is another file of this name");
    else serve_error(x, 507, "no_room", "the photo cannot be written");
    return false;
}

static json_int_t count_images(exchange *x)
{
    mask_gallery_info info;
    mask_gallery_refresh(x->use->gallery, NULL, NULL, &x->err);
    mask_gallery_describe(x->use->gallery, &info);
    return (json_int_t)info.images;
}

void answer_upload(server *s, exchange *x)
{
    char path[DATA_PATH], *name = NULL;
    bool made = false;
    if (!choose_path(s, x, path)) return;
    const char *id = id_of(s, x, path);
    if (mask_gallery_name(x->use->gallery, id, &name, &x->err) == MASK_OK) {
        free(name);
        serve_error(x, 409, "conflict", "there is an image of this id: remove it first");
        return;
    }
    if (!write_photo(s, x, path, &made)) return;
    mask_images *images = read_photo(s, x, &(mask_photo){.path = path, .id = id});
    if (images) {
        pthread_mutex_lock(&s->changing);
        mask_status status = mask_gallery_add(x->gallery->path, images, NULL, NULL, &x->err);
        pthread_mutex_unlock(&s->changing);
        if (status != MASK_OK) library_error(x, status);
    }
    mask_images_close(images);
    if (x->json && made) unlink(path);
    if (!x->json) x->json = json_pack("{s:s, s:I}", "id", id, "images", count_images(x));
}

void answer_delete(server *s, exchange *x)
{
    char *name = NULL, folder[DATA_PATH], real[DATA_PATH] = "";
    bool gone = false;
    pthread_mutex_lock(&s->changing);
    mask_status status = mask_gallery_name(x->use->gallery, x->asked.id, &name, &x->err);
    if (status == MASK_OK) status = mask_gallery_remove(x->gallery->path, &x->asked.id, 1, NULL, NULL, &x->err);
    pthread_mutex_unlock(&s->changing);
    if (status != MASK_OK) {
        library_error(x, status);
    } else {
        snprintf(folder, sizeof folder, "%s", name ? name : "");
        char *slash = strrchr(folder, '/');
        if (slash) *slash = 0;
        if (slash && realpath(folder, real) && strcmp(real, s->uploads) == 0) gone = unlink(name) == 0;
        x->json = json_pack("{s:o, s:b, s:I}", "id", text_json(x->asked.id), "file_removed", (int)gone, "images",
                            count_images(x));
    }
    free(name);
}
