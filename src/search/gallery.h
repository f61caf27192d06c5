/* Inside of mask_gallery, open for reading. A gallery's state at one moment is a view: a snapshot with its segments
 * mapped, and what scores and searches them. It is never changed. mask_gallery_refresh puts a new one in its place;
 * searches that run go on with theirs, and the last that uses a view closes it. */
#ifndef MASK_SEARCH_GALLERY_H
#define MASK_SEARCH_GALLERY_H

#include "gallery/catalogue.h"
#include "match/matcher.h"

#include <pthread.h>

/* What searches share and keep between them, behind its own lock (search.c): words looked up, columns of OOD words. */
typedef struct mask__searcher mask__searcher;
/* Where its images lie when they are not here, but in ClickHouse (remote.h). */
typedef struct mask__remote mask__remote;

typedef struct mask__view {
    /* Of the gallery; the knowledge may be `mixed`. */
    const char *path;
    const mask_knowledge *knowledge;
    mask__catalogue *catalogue;
    /* Its own. */
    mask_match_options options; /* of the index; whole_region resolved */
    size_t budget;              /* regions kept an image; 0 = all */
    mask__snapshot snapshot;
    mask__segment *segments;              /* snapshot.segment_count */
    size_t opened;                        /* of them, while opening and closing */
    mask_knowledge *mixed;                /* NULL = the gallery's */
    mask_matcher *matcher;                /* of the knowledge and the options, without vectors */
    const mask__calibration *calibration; /* the matcher's */
    mask__searcher *searcher;
    mask__remote *remote; /* NULL = the images are in its segments */
    size_t users;         /* the gallery, searches, annotators; guarded by the gallery's lock */
} mask__view;

struct mask_gallery {
    char *path;
    mask_knowledge *knowledge; /* the gallery's own copy, with the images at hand of this number in its background: */
    uint64_t own;
    mask__catalogue *catalogue;
    pthread_mutex_t lock;    /* of which view is the present one, and of users */
    pthread_mutex_t refresh; /* one refresh at a time */
    mask__view *view;
};

/* The present view, which stays until it is unpinned. */
mask__view *mask__gallery_pin(const mask_gallery *gallery);
void mask__gallery_unpin(const mask_gallery *gallery, mask__view *view);

/* Opening a view ends with the first, when all else stands; closing begins with the second (NULL searcher is fine). */
mask_status mask__searcher_open(mask__view *view, mask_error *err);
void mask__searcher_close(mask__view *view);
void mask__remote_close(mask__remote *remote); /* NULL is fine */

#endif
