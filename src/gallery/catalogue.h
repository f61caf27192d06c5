/* What a gallery consists of: G.gallery/ is a folder with
 *   catalogue.sqlite   which segments there are, which image lies where, their metadata: the single point of commit
 *   knowledge.mask     a copy of the knowledge it was indexed with
 *   NNNNNNNN.segment   the parts (segment.h)
 * A change writes and syncs new segments first and then commits one SQLite transaction; a crash leaves segments nobody
 * names, which the next writer removes. Readers hold a snapshot: segments are unlinked, never changed, and a mapped file
 * stays readable. */
#ifndef MASK_GALLERY_CATALOGUE_H
#define MASK_GALLERY_CATALOGUE_H

#include "gallery/segment.h"

/* Everything a reader needs of the catalogue at one moment; plain memory. */
typedef struct mask__snapshot_segment {
    char *file;        /* name inside the folder */
    size_t images;
    uint64_t *alive;   /* bitmap of images that were neither removed nor replaced */
    size_t alive_count;
    char **ids, **names; /* images each; names[i] may be NULL */
    uint32_t *widths, *heights; /* 0 = unknown */
} mask__snapshot_segment;

typedef struct mask__snapshot {
    uint64_t generation; /* counts commits */
    size_t segment_count, images; /* images alive */
    mask__snapshot_segment *segments;
    void *memory;
} mask__snapshot;

typedef struct mask__catalogue mask__catalogue; /* an open catalogue.sqlite */

mask_status mask__catalogue_open(mask__catalogue **out, const char *folder, bool write, mask_error *err);
void mask__catalogue_close(mask__catalogue *catalogue);
mask_status mask__catalogue_snapshot(mask__catalogue *catalogue, mask__snapshot *out, mask_error *err);
void mask__snapshot_free(mask__snapshot *snapshot);
/* Images whose metadata satisfy an SQL condition over the view `image` (id, name, width, height, and every metadata
 * column), evaluated read-only with a step limit: sets the bits of allowed[segment] (bitmaps as `alive`), which start at 0.
 * The snapshot must be this catalogue's current generation: MASK_EMISMATCH says to open the gallery again. */
mask_status mask__catalogue_where(mask__catalogue *catalogue, const mask__snapshot *snapshot, const char *condition,
                                  uint64_t *const *allowed, mask_error *err);
/* Where an image of that id lies; false when there is none alive. */
bool mask__snapshot_find(const mask__snapshot *snapshot, const char *id, size_t *segment, size_t *image);

#endif
