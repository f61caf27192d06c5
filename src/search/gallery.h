/* Inside of mask_gallery, open for reading: a snapshot with its segments mapped, the knowledge and its calibration. */
#ifndef MASK_SEARCH_GALLERY_H
#define MASK_SEARCH_GALLERY_H

#include "gallery/catalogue.h"
#include "match/matcher.h"

/* What searches share and keep between them, behind its own lock (search.c): words looked up, columns of OOD words. */
typedef struct mask__searcher mask__searcher;

struct mask_gallery {
    char *path;
    mask_knowledge *knowledge;  /* the gallery's own copy */
    mask_match_options options; /* of the index; whole_region resolved */
    size_t budget;              /* regions kept an image; 0 = all */
    mask__catalogue *catalogue;
    mask__snapshot snapshot;
    mask__segment *segments;              /* snapshot.segment_count */
    size_t opened;                        /* of them, while opening and closing */
    mask_matcher *matcher;                /* of the knowledge and the options, without vectors */
    const mask__calibration *calibration; /* the matcher's */
    mask__searcher *searcher;
};

/* Opening a gallery ends with the first, when all else stands; closing begins with the second (NULL searcher is fine).
 */
mask_status mask__searcher_open(mask_gallery *gallery, mask_error *err);
void mask__searcher_close(mask_gallery *gallery);

#endif
