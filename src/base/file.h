/* Files: read-only maps, and writers that replace a file whole or not at all. */
#ifndef MASK_BASE_FILE_H
#define MASK_BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>

typedef struct mask__map {
    const unsigned char *data; /* NULL for an empty file */
    size_t size;
} mask__map;

/* Maps a whole regular file read-only. */
mask_status mask__map_open(mask__map *map, const char *path, mask_error *err);
void mask__map_close(mask__map *map);
/* Lets go of the pages of bytes that were read: they stay in the system's cache, but no longer count as this process's
 * memory, which would else grow to the size of the file. */
void mask__map_forget(const mask__map *map, size_t offset, size_t size);

/* Refuses what is there and no regular file (a folder, a device, a pipe); a path that leads nowhere is fine. */
mask_status mask__check_regular(const char *path, mask_error *err);
/* The file that writing to path makes or replaces: path itself, or what a symbolic link leads to, so that the link
 * stays. Replacing a device would break the machine: what is no regular file is refused. The caller frees *target. */
mask_status mask__output_target(char **target, const char *path, mask_error *err);

/* A new file that appears under its name only when it is complete: a temporary beside it with a name of its own, fsync,
 * rename. Any number of writers of one path may be open; the last to commit stays. */
typedef struct mask__writer {
    int fd;
    uint64_t offset; /* bytes written so far */
    unsigned char *buffer;
    size_t buffered;
    char *path, *temporary; /* path: mask__output_target's */
} mask__writer;

mask_status mask__writer_open(mask__writer *writer, const char *path, mask_error *err);
mask_status mask__writer_put(mask__writer *writer, const void *data, size_t size, mask_error *err);
/* Overwrites bytes already put (a header whose values are known only at the end). */
mask_status mask__writer_patch(mask__writer *writer, uint64_t offset, const void *data, size_t size, mask_error *err);
/* Makes what was put durable, not yet visible: of files that belong together all are synced before one is committed,
 * so that a full disk leaves all of the old ones. */
mask_status mask__writer_sync(mask__writer *writer, mask_error *err);
/* Makes the file durable and visible. On failure the old file, if any, is untouched. Closes the writer. */
mask_status mask__writer_commit(mask__writer *writer, mask_error *err);
/* Removes the temporary file. Harmless after a commit and on a zeroed writer. */
void mask__writer_abort(mask__writer *writer);

/* XXH3 of a file's content. */
mask_status mask__file_hash(const char *path, uint64_t *hash, mask_error *err);

bool mask__is_folder(const char *path);
bool mask__is_file(const char *path);

#endif
