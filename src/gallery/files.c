#include "gallery/files.h"
#include "base/memory.h"
#include "knowledge/mixing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

mask_status mask__gallery_file(char **out, const char *folder, const char *name, mask_error *err)
{
    if (asprintf(out, "%s/%s", folder, name) >= 0) return MASK_OK;
    *out = NULL;
    return mask__no_memory(err, folder);
}

static bool ends(const char *name, const char *with)
{
    size_t length = strlen(name), tail = strlen(with);
    return length >= tail && strcmp(name + length - tail, with) == 0;
}

/* Segments, indexes of texts, images at hand and their calibrations. */
static bool is_part(const char *name)
{
    return name[strspn(name, "0123456789abcdef")] == '.' &&
           (ends(name, ".segment") || ends(name, ".texts") || ends(name, ".own") || ends(name, ".scorer"));
}

/* What is left of making one: not yet a catalogue. */
static bool is_ours(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lock") == 0 ||
           strncmp(name, "knowledge.mask", 14) == 0 || strncmp(name, "catalogue.sqlite", 16) == 0 ||
           strncmp(name, "scorer.mask", 11) == 0;
}

mask_status mask__gallery_check_folder(const char *path, mask_error *err)
{
    struct dirent *entry;
    bool made = false, foreign = false;
    DIR *folder = opendir(path);
    if (!folder) return mask__fail(err, MASK_EIO, "%s: cannot list: %s", path, strerror(errno));
    while ((entry = readdir(folder))) {
        made = made || strcmp(entry->d_name, "catalogue.sqlite") == 0;
        foreign = foreign || !is_ours(entry->d_name);
    }
    closedir(folder);
    if (made || !foreign) return MASK_OK;
    return mask__fail(err, MASK_EIO, "%s: is a folder of other things: choose another place for the gallery", path);
}

void mask__gallery_unmake(const char *path)
{
    struct dirent *entry;
    DIR *folder = opendir(path);
    if (!folder) return;
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && (is_ours(entry->d_name) || is_part(entry->d_name)))
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(path);
}

mask_status mask__gallery_part(char **out, const char *folder, uint64_t number, const char *kind, mask_error *err)
{
    char name[MASK__PART_NAME_BYTES];
    mask__part_name(number, kind, name);
    return mask__gallery_file(out, folder, name, err);
}

mask_status mask__gallery_segment(mask__segment *out, const char *folder, const mask__snapshot_segment *s,
                                  mask__verify verify, mask_error *err)
{
    MASK__FREED char *file = NULL;
    MASK__TRY(mask__gallery_part(&file, folder, s->number, "segment", err));
    MASK__TRY(mask__segment_open(out, file, verify, err));
    if (out->images == s->images) return MASK_OK;
    mask__segment_close(out);
    return mask__gallery_odd_segment(file, err);
}

mask_status mask__gallery_odd_segment(const char *file, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT,
                      "%s: is not the segment that the catalogue means: restore the gallery from a copy", file);
}

static mask_status let_own_join(mask_knowledge *k, const char *path, uint64_t own, mask_error *err)
{
    MASK__FREED char *file = NULL;
    MASK__TRY(mask__gallery_part(&file, path, own, "own", err));
    return mask__own_load(k, file, err);
}

mask_status mask__gallery_knowledge(mask_knowledge **out, const char *path, uint64_t own, mask_error *err)
{
    MASK__FREED char *file = NULL;
    MASK__TRY(mask__gallery_file(&file, path, "knowledge.mask", err));
    MASK__TRY(mask_knowledge_open(out, file, NULL, err));
    mask_status status = own ? let_own_join(*out, path, own, err) : MASK_OK;
    if (status == MASK_OK) return MASK_OK;
    mask_knowledge_close(*out);
    *out = NULL;
    return status;
}

mask_status mask__gallery_scorer(char **out, const char *path, uint64_t own, mask_error *err)
{
    return own ? mask__gallery_part(out, path, own, "scorer", err) : mask__gallery_file(out, path, "scorer.mask", err);
}

mask_status mask__gallery_stored_calibration(mask__calibration *out, const char *path, const mask_knowledge *k,
                                             uint64_t own, int whole_region, mask__verify verify, mask_error *err)
{
    MASK__FREED char *file = NULL;
    MASK__TRY(mask__gallery_scorer(&file, path, own, err));
    MASK__TRY(mask__calibration_load(out, k, file, verify, err));
    if (out->options.whole_region == whole_region) return MASK_OK;
    mask__calibration_close(out);
    return mask__fail(err, MASK_EFORMAT, "%s: does not belong to this gallery: remove it, it will be made again", file);
}

mask_status mask_gallery_delete(const char *path, mask_error *err)
{
    mask__catalogue *catalogue; /* holds the writers' lock */
    MASK__TRY(mask__catalogue_open(&catalogue, path, true, err));
    mask__gallery_unmake(path);
    mask__catalogue_close(catalogue);
    return MASK_OK;
}
