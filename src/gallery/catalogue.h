/* What a gallery consists of: G.gallery/ is a folder with
 *   catalogue.sqlite   which segments there are, which image lies where, their metadata: the single point of commit
 *   knowledge.mask     a copy of the knowledge it was indexed with
 *   NNNNNNNN.segment   the parts (segment.h)
 *   NNNNNNNN.own       images at hand that joined the background (own.c); the catalogue says which of these is in force
 * A change writes and syncs new segments first and then commits one SQLite transaction; a crash leaves segments nobody
 * names, which the next writer removes. Readers hold a snapshot: segments are unlinked, never changed, and a mapped
 * file stays readable. */
#ifndef MASK_GALLERY_CATALOGUE_H
#define MASK_GALLERY_CATALOGUE_H

#include "gallery/segment.h"

/* Everything a reader needs of the catalogue at one moment; plain memory. */
typedef struct mask__snapshot_segment {
    uint64_t number; /* of its file, mask__part_name */
    size_t images;
    uint64_t *alive; /* bitmap of images that were neither removed nor replaced */
    size_t alive_count;
    char **ids, **names;        /* images each; names[i] may be NULL */
    uint32_t *widths, *heights; /* 0 = unknown */
} mask__snapshot_segment;

typedef struct mask__snapshot {
    uint64_t generation;          /* counts commits */
    uint64_t own;                 /* the number of the images at hand in its background; 0 = none */
    size_t segment_count, images; /* images alive */
    mask__snapshot_segment *segments;
    void *memory;
} mask__snapshot;

typedef struct mask__catalogue mask__catalogue; /* an open catalogue.sqlite */

/* A writer takes the lock and removes what killed ones left: segments that the catalogue does not name. */
mask_status mask__catalogue_open(mask__catalogue **out, const char *folder, bool write, mask_error *err);
void mask__catalogue_close(mask__catalogue *catalogue);
/* These may be asked by many threads of one reader. */
mask_status mask__catalogue_generation(mask__catalogue *catalogue, uint64_t *generation, mask_error *err);
mask_status mask__catalogue_own(mask__catalogue *catalogue, uint64_t *own, mask_error *err); /* as in a snapshot */
mask_status mask__catalogue_snapshot(mask__catalogue *catalogue, mask__snapshot *out, mask_error *err);
void mask__snapshot_free(mask__snapshot *snapshot);
/* Images whose metadata satisfy an SQL condition over the view `image` (id, name, width, height, and every metadata
 * column), evaluated read-only with limits of steps, time and memory, and stopped by the run's progress: sets the bits
 * of allowed[segment] (bitmaps as `alive`), which start at 0. The snapshot must be this catalogue's current generation:
 * MASK_EMISMATCH says to open the gallery again. */
mask_status mask__catalogue_where(mask__catalogue *catalogue, const mask__snapshot *snapshot, const char *condition,
                                  uint64_t *const *allowed, const mask_run *run, mask_error *err);
/* Metadata as mask_gallery_metadata gives it; *json is freed with free(). */
mask_status mask__catalogue_metadata(mask__catalogue *catalogue, const char *const *ids, size_t count, char **json,
                                     mask_error *err);
/* Makes ids findable, for a snapshot made by other means (tests); *twice: some id stands twice. */
mask_status mask__snapshot_index(mask__snapshot *snapshot, bool *twice, mask_error *err);
/* Where an image of that id lies; false when there is none alive. */
bool mask__snapshot_find(const mask__snapshot *snapshot, const char *id, size_t *segment, size_t *image);
/* SQLite's own check of the whole file. */
mask_status mask__catalogue_verify(mask__catalogue *catalogue, mask_error *err);
uint64_t mask__catalogue_bytes(const mask__catalogue *catalogue); /* of its file */

/* ---- What is fixed when a gallery is made ---- */

typedef struct mask__catalogue_settings {
    mask_match_options options;   /* as given */
    mask_gallery_options gallery; /* the same */
    int whole_region;             /* resolved by the first images; MASK_WHOLE_AUTO until then */
    /* Not fixed: images at hand in the background */
    uint64_t own;         /* the number of the file that holds them; 0 = none */
    uint64_t own_images;  /* images alive when they were chosen */
    uint64_t own_changes; /* images that came, went or changed since */
} mask__catalogue_settings;

/* The name of a setting in which they differ (whole_region, as resolved, does not count); NULL when they are equal. */
const char *mask__catalogue_settings_differ(const mask__catalogue_settings *a, const mask__catalogue_settings *b);

/* Makes folder/catalogue.sqlite: whole, or not at all. The folder must be locked. */
mask_status mask__catalogue_create(const char *folder, const mask__catalogue_settings *settings, mask_error *err);
mask_status mask__catalogue_settings_read(mask__catalogue *catalogue, mask__catalogue_settings *out, mask_error *err);
/* folder/catalogue.sqlite with the settings and columns of another, without segments and images. */
mask_status mask__catalogue_copy_empty(mask__catalogue *from, const char *folder, mask_error *err);

/* ---- Writing: one process at a time, each change between begin and commit ---- */

typedef struct mask__catalogue_image {
    const char *id, *name; /* name may be NULL */
    uint32_t width, height;
    uint64_t content; /* hash of what it was indexed from */
} mask__catalogue_image;

enum { MASK__PART_NAME_BYTES = 32, MASK__SEGMENT_IMAGES_MAX = 1 << 22 };

/* Takes the writers' lock of a folder. Where another process has it, waits until it is free, if asked to, else MASK_EIO
 * names that process. */
mask_status mask__folder_lock(const char *folder, bool wait, const mask_run *run, int *lock, mask_error *err);
void mask__folder_unlock(int lock);

mask_status mask__catalogue_begin(mask__catalogue *catalogue, mask_error *err);
/* Counts the generation up and makes all changes since begin durable. */
mask_status mask__catalogue_commit(mask__catalogue *catalogue, mask_error *err);
void mask__catalogue_rollback(mask__catalogue *catalogue); /* harmless after a commit */

/* The number of the next segment: never one that was committed before, so that no reader mistakes one for another. */
mask_status mask__catalogue_next_segment(mask__catalogue *catalogue, uint64_t *segment, mask_error *err);
/* The file of that number: "segment"; "own", images at hand; "scorer", the calibration they belong to. */
void mask__part_name(uint64_t number, const char *kind, char name[MASK__PART_NAME_BYTES]);
mask_status mask__catalogue_add_segment(mask__catalogue *catalogue, uint64_t segment, size_t images, mask_error *err);
/* Puts an image at a place; an image of that id is replaced (*replaced) and keeps its metadata. */
mask_status mask__catalogue_put(mask__catalogue *catalogue, uint64_t segment, size_t position,
                                const mask__catalogue_image *image, bool *replaced, mask_error *err);
/* Moves an image to another place. */
mask_status mask__catalogue_move(mask__catalogue *catalogue, const char *id, uint64_t segment, size_t position,
                                 mask_error *err);
/* Forgets a segment; its images must have been moved or removed. */
mask_status mask__catalogue_drop_segment(mask__catalogue *catalogue, uint64_t segment, mask_error *err);
mask_status mask__catalogue_remove(mask__catalogue *catalogue, const char *id, bool *found, mask_error *err);
/* The content hash of the image with that id; *found = false when there is none. */
mask_status mask__catalogue_content(mask__catalogue *catalogue, const char *id, uint64_t *content, bool *found,
                                    mask_error *err);
/* Images alive. */
mask_status mask__catalogue_count(mask__catalogue *catalogue, size_t *count, mask_error *err);
/* What the settings say of images at hand, inside a transaction. */
mask_status mask__catalogue_set_own(mask__catalogue *catalogue, const mask__catalogue_settings *settings,
                                    mask_error *err);
mask_status mask__catalogue_set_whole_region(mask__catalogue *catalogue, int whole_region, mask_error *err);
/* Metadata columns from a table (mask.h), inside a transaction; counts its rows and those whose id is not there. */
mask_status mask__catalogue_describe(mask__catalogue *catalogue, const char *table, size_t *rows, size_t *missing,
                                     const mask_run *run, mask_error *err);

#endif
