/* Inside of mask_gallery, open for reading: a snapshot with its segments mapped, the knowledge and its scorer. */
#ifndef MASK_GALLERY_GALLERY_H
#define MASK_GALLERY_GALLERY_H

#include "gallery/catalogue.h"
#include "match/scorer.h"

struct mask_gallery {
    char *path;
    mask_knowledge *knowledge; /* the gallery's own copy */
    mask_match_options options; /* of the index; whole_region resolved */
    size_t budget;              /* regions kept an image; 0 = all */
    mask__catalogue *catalogue;
    mask__snapshot snapshot;
    mask__segment *segments; /* snapshot.segment_count */
    mask__scorer scorer;
};

#endif
