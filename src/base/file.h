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

/* A new file that appears under its name only when it is complete: temporary beside it, fsync, rename. */
typedef struct mask__writer {
    int fd;
    uint64_t offset; /* bytes written so far */
    unsigned char *buffer;
    size_t buffered;
    char *path, *temporary;
} mask__writer;

mask_status mask__writer_open(mask__writer *writer, const char *path, mask_error *err);
mask_status mask__writer_put(mask__writer *writer, const void *data, size_t size, mask_error *err);
/* Overwrites bytes already put (a header whose values are known only at the end). */
mask_status mask__writer_patch(mask__writer *writer, uint64_t offset, const void *data, size_t size, mask_error *err);
/* Makes the file durable and visible. On failure the old file, if any, is untouched. Closes the writer. */
mask_status mask__writer_commit(mask__writer *writer, mask_error *err);
/* Removes the temporary file. Harmless after a commit and on a zeroed writer. */
void mask__writer_abort(mask__writer *writer);

bool mask__is_folder(const char *path);
bool mask__is_file(const char *path);

#endif
