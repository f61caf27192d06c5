/* mask cache list, mask cache clear: what search --photos keeps. */
#include "photo-gallery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static off_t weighed;

static int weigh(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)path, (void)at;
    if (type == FTW_F) weighed += info->st_blocks * 512;
    return 0;
}

static int take_away(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

/* One entry of the cache. */
typedef struct entry {
    char place[DATA_PATH];
    text_list folders;
    off_t bytes;
    time_t used;
    size_t photos;
} entry;

static bool read_entry(entry *e, const char *root, const char *name)
{
    char path[DATA_PATH + 32];
    struct stat info;
    mask_extract_info extracted;
    mask_error err;
    if (strlen(name) != 16 || strspn(name, "0123456789abcdef") != 16) return false;
    snprintf(e->place, sizeof e->place, "%.*s/%.16s", DATA_PATH - 32, root, name);
    if (lstat(e->place, &info) != 0 || !S_ISDIR(info.st_mode)) return false;
    snprintf(path, sizeof path, "%s/lock", e->place);
    e->used = stat(path, &info) == 0 ? info.st_mtime : 0;
    snprintf(path, sizeof path, "%s/photos.regions", e->place);
    e->photos = mask_extract_describe(&extracted, path, &err) == MASK_OK ? extracted.photos : 0;
    folders_read(&e->folders, e->place);
    weighed = 0;
    nftw(e->place, weigh, 16, FTW_PHYS);
    e->bytes = weighed;
    return true;
}

static int each_entry(int (*visit)(const args *a, const entry *e, void *user), const args *a, void *user)
{
    char root[DATA_PATH];
    struct dirent **names = NULL;
    int result = cache_root(root);
    if (result) return result;
    int count = scandir(root, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        entry e = {0};
        if (result == 0 && read_entry(&e, root, names[i]->d_name)) result = visit(a, &e, user);
        texts_free(&e.folders);
        free(names[i]);
    }
    free(names);
    return result;
}

static int list_entry(const args *a, const entry *e, void *user)
{
    json_t *all = user;
    char day[16];
    struct tm when;
    localtime_r(&e->used, &when);
    strftime(day, sizeof day, "%Y-%m-%d", &when);
    if (a->json) {
        json_t *folders = json_array();
        for (size_t i = 0; i < e->folders.count; i++) json_array_append_new(folders, json_string(e->folders.texts[i]));
        json_array_append_new(all,
                              json_pack("{s:s, s:I, s:I, s:s, s:o}", "cache", e->place, "bytes", (json_int_t)e->bytes,
                                        "photos", (json_int_t)e->photos, "used", day, "folders", folders));
        return 0;
    }
    printf("%7.1f MB  %7zu photos  %s ", (double)e->bytes / 1e6, e->photos, day);
    for (size_t i = 0; i < e->folders.count; i++) printf(" %s", e->folders.texts[i]);
    printf("\n");
    return 0;
}

static int run_cache_list(args *a)
{
    json_t *all = a->json ? json_array() : NULL;
    int result = each_entry(list_entry, a, all);
    if (result == 0 && a->json) return print_json(all);
    json_decref(all);
    return result;
}

const command command_cache_list = {
    .name = "cache list",
    .positional = "",
    .summary = "List what search --photos keeps: size, photos, last use and folders",
    .examples = "mask cache list",
    .run = run_cache_list,
};

typedef struct clearing {
    char *folder; /* NULL = everything */
    size_t count;
    off_t bytes;
} clearing;

static int clear_entry(const args *a, const entry *e, void *user)
{
    clearing *c = user;
    char path[DATA_PATH + 8];
    bool wanted = !c->folder;
    (void)a;
    for (size_t i = 0; i < e->folders.count; i++) wanted = wanted || strcmp(e->folders.texts[i], c->folder) == 0;
    if (!wanted) return 0;
    snprintf(path, sizeof path, "%s/lock", e->place);
    int lock = open(path, O_RDWR | O_CLOEXEC);
    int busy = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0;
    if (!busy && nftw(e->place, take_away, 16, FTW_PHYS | FTW_DEPTH) != 0) {
        if (lock >= 0) close(lock);
        return fail("%s: cannot be removed: %s", e->place, strerror(errno));
    }
    if (lock >= 0) close(lock);
    if (busy) return fail("%s: is in use by a search: wait for it", e->place);
    c->count++;
    c->bytes += e->bytes;
    return 0;
}

static int run_cache_clear(args *a)
{
    const char *folder = a->positional_count ? a->positional[0] : NULL;
    clearing c = {.folder = folder ? realpath(folder, NULL) : NULL};
    if (folder && !c.folder && !(c.folder = strdup(folder))) return fail("out of memory");
    int result = each_entry(clear_entry, a, &c);
    if (result == 0 && folder && !c.count)
        result = fail("%s: nothing is kept of this folder: see mask cache list", folder);
    else if (result == 0) printf("%zu removed, %.1f MB\n", c.count, (double)c.bytes / 1e6);
    free(c.folder);
    return result;
}

const command command_cache_clear = {
    .name = "cache clear",
    .positional = "[FOLDER]",
    .summary = "Remove what search --photos keeps, of one folder of photos or of all; photos are never touched",
    .examples = "mask cache clear ~/Pictures",
    .run = run_cache_clear,
};
