#include "photos/walk.h"
#include "photos/decode.h"
#include "base/file.h"
#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 64 };

typedef struct mask__walk_folder {
    dev_t device;
    ino_t inode;
} folder;

/* What stays the same while one path of the list is walked. */
typedef struct walking {
    mask__walk *walk;
    const mask_run *run;
    const char *exclude;
    size_t id_from; /* where the id begins in a path */
} walking;

static bool has_extension(const char *name, const char *const *extensions)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && extensions[i]; i++)
        if (strcasecmp(dot + 1, extensions[i]) == 0) return true;
    return false;
}

static const char *const photo_extensions[] = {"jpg", "jpeg", "jpe",  "jfif", "png",  "webp", "gif",
                                               "tif", "tiff", "heic", "heif", "avif", NULL};
static const char *const raw_extensions[] = {"cr2", "cr3", "nef", "arw", "dng", "orf",
                                             "rw2", "raf", "pef", "srw", "x3f", NULL};
static const char *const video_extensions[] = {"mp4", "mov", "avi", "mkv", "mts", "3gp", "webm", "mpg", "m4v", NULL};

static bool has_photo_content(const char *path)
{
    unsigned char head[MASK__PHOTO_HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    ssize_t got = read(fd, head, sizeof head);
    close(fd);
    return got == (ssize_t)sizeof head && mask__photo_format(head);
}

/* Names go into tables, JSON and one-line messages. */
static bool presentable(const char *path)
{
    size_t length = strlen(path);
    return mask__control(path) == length && mask__utf8_valid(path, length) == length;
}

static mask_status add_file(const walking *w, const char *path, const struct stat *info, mask_error *err)
{
    mask__walk *walk = w->walk;
    if (!presentable(path)) {
        mask__log(w->run, MASK_LOG_WARNING,
                  "a file below %.*s is skipped: its name is not UTF-8 or holds control characters: "
                  "rename it",
                  (int)w->id_from, path);
        return MASK_OK;
    }
    if (!mask__grow(&walk->files, &walk->capacity, walk->count + 1, sizeof *walk->files))
        return mask__no_memory(err, path);
    char *copy = mask__arena_text(&walk->arena, path, strlen(path));
    if (!copy) return mask__no_memory(err, path);
    walk->files[walk->count++] =
        (mask__walk_file){.path = copy,
                          .id = copy + w->id_from,
                          .size = (uint64_t)info->st_size,
                          .mtime = info->st_mtim.tv_sec * INT64_C(1000000000) + info->st_mtim.tv_nsec};
    return MASK_OK;
}

/* Whether the folder is new; notes it then. */
static mask_status enter(mask__walk *walk, const struct stat *info, const char *path, bool *is_new, mask_error *err)
{
    *is_new = false;
    for (size_t i = 0; i < walk->folder_count; i++)
        if (walk->folders[i].device == info->st_dev && walk->folders[i].inode == info->st_ino) return MASK_OK;
    if (!mask__grow(&walk->folders, &walk->folder_capacity, walk->folder_count + 1, sizeof *walk->folders))
        return mask__no_memory(err, path);
    walk->folders[walk->folder_count++] = (folder){info->st_dev, info->st_ino};
    *is_new = true;
    return MASK_OK;
}

static mask_status look_at_file(const walking *w, const char *path, const struct stat *info, mask_error *err)
{
    if (has_extension(path, raw_extensions)) w->walk->raw++;
    else if (has_extension(path, video_extensions)) w->walk->video++;
    else if (has_extension(path, photo_extensions) || has_photo_content(path)) return add_file(w, path, info, err);
    return MASK_OK;
}

static mask_status look_at(const walking *w, FTS *tree, FTSENT *e, mask_error *err)
{
    const char *path = e->fts_path;
    bool wanted = true, named = e->fts_level == 0; /* in the list, whatever it is called */
    if (e->fts_info == FTS_DP) return MASK_OK;     /* a folder that is left again */
    if (!named && (e->fts_name[0] == '.' || mask__walk_excluded(w->exclude, path + w->id_from))) {
        wanted = false;
    } else if (e->fts_info == FTS_F) {
        return look_at_file(w, path, e->fts_statp, err);
    } else if (e->fts_info == FTS_DNR) {
        mask__log(w->run, MASK_LOG_WARNING, "%.300s: is skipped: %s", path, strerror(e->fts_errno));
    } else if (e->fts_info == FTS_D && e->fts_level > MAX_DEPTH) {
        mask__log(w->run, MASK_LOG_WARNING, "%.300s: is skipped: %d folders deep", path, MAX_DEPTH);
        wanted = false;
    } else if (e->fts_info == FTS_D) {
        MASK__TRY(enter(w->walk, e->fts_statp, path, &wanted, err));
    }
    if (!wanted) fts_set(tree, e, FTS_SKIP);
    return MASK_OK;
}

static int by_bytes(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static mask_status walk_folder(const walking *w, char *path, mask_error *err)
{
    mask_status status = MASK_OK;
    FTS *tree = fts_open((char *[]){path, NULL}, FTS_LOGICAL | FTS_NOCHDIR, by_bytes);
    if (!tree) return mask__no_memory(err, path);
    for (FTSENT *e; status == MASK_OK && (errno = 0, e = fts_read(tree));) status = look_at(w, tree, e, err);
    if (status == MASK_OK && errno)
        status = errno == ENOMEM ? mask__no_memory(err, path)
                                 : mask__fail(err, MASK_EIO, "%s: cannot read: %s", path, strerror(errno));
    fts_close(tree);
    return status;
}

/* The absolute path of a file, without following the file itself should it be a link; the caller frees. */
static char *absolute_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    MASK__FREED char *above = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    MASK__FREED char *within = above ? realpath(above, NULL) : NULL;
    return within ? mask__text("%s%s%s", within, within[1] ? "/" : "", name) : NULL;
}

static mask_status walk_path(mask__walk *walk, const char *path, const char *exclude, const mask_run *run,
                             mask_error *err)
{
    struct stat info;
    walking w = {.walk = walk, .run = run, .exclude = exclude};
    if (stat(path, &info) != 0) return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode))
        return mask__fail(err, MASK_EIO, "%s: is neither a file nor a folder", path);
    bool is_folder = S_ISDIR(info.st_mode);
    MASK__FREED char *whole = is_folder ? realpath(path, NULL) : absolute_file(path);
    if (!whole) return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
    w.id_from = is_folder ? strlen(whole) + (whole[1] ? 1 : 0) : (size_t)(strrchr(whole, '/') + 1 - whole);
    if (!is_folder) return add_file(&w, whole, &info, err);
    if (access(whole, R_OK | X_OK) != 0) return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
    return walk_folder(&w, whole, err);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const mask__walk_file *)a)->path, ((const mask__walk_file *)b)->path);
}

/* Sorts by path; of a file that was reached twice the longer id stays, which tells more. */
static void sort_files(mask__walk *walk)
{
    size_t kept = 0;
    if (walk->count) qsort(walk->files, walk->count, sizeof *walk->files, by_path);
    for (size_t i = 0; i < walk->count; i++) {
        if (kept && strcmp(walk->files[kept - 1].path, walk->files[i].path) == 0) {
            if (strlen(walk->files[i].id) > strlen(walk->files[kept - 1].id)) walk->files[kept - 1] = walk->files[i];
            continue;
        }
        walk->files[kept++] = walk->files[i];
    }
    walk->count = kept;
}

bool mask__walk_excluded(const char *patterns, const char *id)
{
    char one[256];
    const char *name = strrchr(id, '/') ? strrchr(id, '/') + 1 : id;
    for (const char *at = patterns; at && *at; at += strcspn(at, ","), at += *at == ',') {
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, ","), at);
        if (*one && (fnmatch(one, name, 0) == 0 || fnmatch(one, id, 0) == 0)) return true;
    }
    return false;
}

mask_status mask__walk_open(mask__walk *walk, const char *const *paths, size_t count, const char *exclude,
                            const mask_run *run, mask_error *err)
{
    mask_status status = MASK_OK;
    *walk = (mask__walk){0};
    for (size_t i = 0; i < count && status == MASK_OK; i++) status = walk_path(walk, paths[i], exclude, run, err);
    if (status == MASK_OK) sort_files(walk);
    else mask__walk_close(walk);
    return status;
}

void mask__walk_close(mask__walk *walk)
{
    mask__arena_free(&walk->arena);
    free(walk->files);
    free(walk->folders);
    *walk = (mask__walk){0};
}

const mask__walk_file *mask__walk_find(const mask__walk *walk, const char *path)
{
    mask__walk_file key = {.path = path};
    return walk->count ? bsearch(&key, walk->files, walk->count, sizeof *walk->files, by_path) : NULL;
}
