/* The region store, NAME.regions: one SQLite file, a row a photo: where it lies, what it was made of, and its regions'
 * boxes, labels, scores and features. docs/photos.md has the schema.
 *
 * A rollback journal, not a write-ahead log: the store is a single file whenever nobody writes it, and a program that
 * is killed leaves a journal that the next one rolls back. Features are float16, or (`small`) deflated bytes, whole
 * steps of a region's largest value / 127; values that are not finite are refused. Every size that comes from the file
 * is checked before it is used. */
#ifndef MASK_IMAGES_REGIONS_H
#define MASK_IMAGES_REGIONS_H

#include "base/error.h"

#include <stdbool.h>

enum { MASK__REGIONS_MAX = 4096, MASK__REGIONS_MAX_DIM = 1 << 20, MASK__REGIONS_NO_LABEL = -1 };

/* What all rows share. Features of different makes cannot be compared, so a store has one. */
typedef struct mask__regions_make {
    uint64_t encoder;          /* fingerprint */
    size_t dim;                /* 0: as the store has it, which must be there */
    const char *options;       /* how regions were chosen, encoded and are kept, by mask__options_write */
    const char *const *labels; /* what detections may be called; a row's labels count into it */
    size_t label_count;
} mask__regions_make;

/* One photo. error is NULL for a good one; a bad one has no regions. */
typedef struct mask__regions_row {
    const char *id, *path; /* both unique; the id stays what it was when the photo was first stored */
    uint64_t size;
    int64_t mtime; /* nanoseconds */
    uint64_t hash; /* XXH3 of the file */
    uint32_t width, height;
    size_t count;          /* regions */
    const float *boxes;    /* count x 4: x1, y1, x2, y2 in pixels of the upright photo */
    const int32_t *labels; /* count */
    const float *scores;   /* count */
    const float *features; /* count x dim */
    const char *error;
} mask__regions_row;

typedef struct mask__regions_store mask__regions_store;

/* Opens a store for writing, making it if there is none. One that was made otherwise is refused (MASK_EMISMATCH). */
mask_status mask__regions_open(mask__regions_store **out, const char *path, const mask__regions_make *make,
                               mask_error *err);
/* Refuses features of another dimension than the store's (MASK_EMISMATCH). */
mask_status mask__regions_check_dim(const mask__regions_store *store, size_t dim, mask_error *err);
/* What was put since the last commit is lost. NULL is fine. */
void mask__regions_close(mask__regions_store *store);

/* Adds a photo or replaces the one at its path. An id that another photo has becomes the path. */
mask_status mask__regions_put(mask__regions_store *store, const mask__regions_row *row, mask_error *err);
/* The file at row->path has the content of a photo that is stored: takes its regions. Only id, path, size, mtime and
 * hash of row are read. *copied is false when none has that content. */
mask_status mask__regions_copy(mask__regions_store *store, const mask__regions_row *row, bool *copied, mask_error *err);
/* Gives the photo at `path` this id, unless another photo has it. */
mask_status mask__regions_name(mask__regions_store *store, const char *path, const char *id, mask_error *err);
mask_status mask__regions_remove(mask__regions_store *store, const char *path, mask_error *err);
/* Puts all photos of another store of the same make, in its order; adds the number of good ones to *good. */
mask_status mask__regions_take(mask__regions_store *store, mask__regions_store *from, size_t *good, mask_error *err);
/* Makes what was put durable. */
mask_status mask__regions_commit(mask__regions_store *store, mask_error *err);
/* One photo of a store as mask__regions_each shows it. */
typedef struct mask__regions_seen {
    const char *path, *error; /* error is NULL for a good one */
    uint64_t size, hash;
    int64_t mtime;
} mask__regions_seen;

/* Shows every photo, in order of path, until visit returns other than MASK_OK. */
mask_status mask__regions_each(mask__regions_store *store,
                               mask_status (*visit)(void *user, const mask__regions_seen *photo, mask_error *err),
                               void *user, mask_error *err);

/* The good photos of a store as a set of images, in order of id, for reading by many threads; their names are their
 * paths. There may be none. */
mask_status mask__regions_reader_open(mask_images **out, const char *path, mask_error *err);

/* What a store says of itself beside that. */
typedef struct mask__regions_facts {
    uint64_t encoder;
    size_t bad; /* photos */
    const char *options;
} mask__regions_facts;

/* Of images that mask__regions_reader_open has opened; lives as long as they. */
const mask__regions_facts *mask__regions_facts_of(const mask_images *images);

#endif
