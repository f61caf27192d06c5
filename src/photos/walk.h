/* The photos that a list of files and folders holds, sorted by path.
 *
 * Folders are read recursively; names that begin with a dot are skipped, and no folder is entered twice, so a loop of
 * symbolic links ends. A file counts as a photo by its extension, else by its first bytes; a file named in the list
 * always does, so that a damaged one is reported. */
#ifndef MASK_PHOTOS_WALK_H
#define MASK_PHOTOS_WALK_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>

typedef struct mask__walk_file {
    const char *path; /* absolute */
    const char *id;   /* below the folder that was named; the file name of a file that was */
    uint64_t size;
    int64_t mtime; /* nanoseconds */
} mask__walk_file;

typedef struct mask__walk {
    mask__arena arena; /* owns the strings */
    mask__walk_file *files;
    size_t count, capacity;
    struct mask__walk_folder *folders; /* entered so far */
    size_t folder_count, folder_capacity;
    size_t raw, video; /* files met that are no photos we read */
} mask__walk;

/* Each file once, whichever way it was reached first. Names that are not UTF-8 or hold control characters, and folders
 * that cannot be read, are skipped with a warning in the run's log. A path of the list that is not there is an error.
 */
mask_status mask__walk_open(mask__walk *walk, const char *const *paths, size_t count, const char *exclude,
                            const mask_run *run, mask_error *err);
/* Whether one of the patterns (set apart by commas, as in a shell; NULL = none) fits the name of a file or folder, or
 * its path below what was named. */
bool mask__walk_excluded(const char *patterns, const char *id);
void mask__walk_close(mask__walk *walk);
/* The file with this path, NULL when there is none. */
const mask__walk_file *mask__walk_find(const mask__walk *walk, const char *path);

#endif
