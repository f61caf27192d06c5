/* Writes segments: encodes images, computes their columns by GEMM, quantises them. Each thread works on whole blocks,
 * so memory is the codes of one segment and a few blocks, whatever the number of images.
 *
 * With a budget, the regions of an image are ordered so that every prefix is the best smaller index (budget.h) and the
 * first `budget` are kept. Whole-image and scene vectors, h(i) and D(i) are of all regions whatever the budget. */
#ifndef MASK_GALLERY_BUILD_H
#define MASK_GALLERY_BUILD_H

#include "gallery/segment.h"
#include "match/calibration.h"

typedef struct mask__kept_image {
    const mask__segment *segment;
    size_t image;
} mask__kept_image;

/* Where a segment's images come from, in the order they get in it. */
typedef struct mask__segment_source {
    const mask_images *images;    /* a set, to be encoded; NULL = `kept` */
    const size_t *which;          /* its images; NULL = 0, 1, ... */
    const mask__kept_image *kept; /* images of open segments, whose exact scores stay the same bits */
    bool anew; /* of `kept`: the calibration is another than theirs, and they have all their regions */
    size_t count;
    mask__dtype type; /* of a set's vectors; kept ones stay as they are, or become float where they differ */
    bool bf16;        /* MASK_PRODUCTS_BF16 */
    size_t progress_done, progress_total; /* for progress: images before these, images of the whole change */
} mask__segment_source;

/* Images that fit the memory a segment may take, a multiple of MASK__BLOCK. */
size_t mask__segment_capacity(const mask__calibration *calibration);

/* Writes the segment of at least 1 image to `path`, atomically; budget 0 keeps all regions. Adds to *times (NULL is
 * fine). The calibration's whole_region must exist in every image. NaN is refused with the image's name. */
mask_status mask__segment_build(const char *path, const mask__calibration *calibration,
                                const mask__segment_source *source, size_t budget, mask__column_times *times,
                                const mask_run *run, mask_error *err);

#endif
