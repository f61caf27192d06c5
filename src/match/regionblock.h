/* Blocks of whole images on their way through an representation: rows of mu and their inverse norms. One block a
 * thread. */
#ifndef MASK_MATCH_REGIONBLOCK_H
#define MASK_MATCH_REGIONBLOCK_H

#include "knowledge/knowledge.h"

/* Where region representations come from: a set of images through an representation, or rows that are encoded already.
 */
typedef struct mask__regions {
    const mask_images *images; /* NULL = mu below */
    const size_t *which;       /* of `images`; NULL = first, first + 1, ... */
    size_t first;
    size_t most; /* of each image of `images` only so many regions, the first; 0 = all */
    const mask__representation *representation;
    const uint64_t *image_rows; /* of mu: image i owns rows image_rows[i] .. image_rows[i + 1] */
    const float *mu;            /* rows x Z */
    const float *inverse_norms; /* of mu's rows; NULL = found as they are needed */
    size_t count;               /* images */
    size_t dim;                 /* Z */
} mask__regions;

mask__regions mask__regions_of_images(const mask_images *images, const mask__representation *representation);
mask__regions mask__regions_of_background(const mask_knowledge *knowledge);
/* Images [first, first + count) of them. */
mask__regions mask__regions_part(const mask__regions *regions, size_t first, size_t count);
size_t mask__regions_in(const mask__regions *regions, size_t image);

typedef struct mask__region_block {
    const mask__regions *regions;
    size_t max_rows;
    size_t first, count, rows; /* images, and the rows they have */
    size_t *row_of;            /* count + 1 */
    float *buffer;             /* features */
    mask__encoding encoding;
    const float *mu;            /* rows x Z */
    const float *inverse_norms; /* rows; 0 of a zero vector */
    float *norms;               /* those that are found here */
    mask__arena arena;
} mask__region_block;

/* For blocks of at most max_rows rows, or of one image that has more. Close it whatever open returns. */
mask_status mask__region_block_open(mask__region_block *block, const mask__regions *regions, size_t max_rows,
                                    mask_error *err);
void mask__region_block_close(mask__region_block *block);
/* Takes images from block->first on, at most `most`, until the block is full. */
void mask__region_block_extent(mask__region_block *block, size_t most);
/* Encodes them. Feature values that are not finite are refused with the image's name. */
mask_status mask__region_block_encode(mask__region_block *block, mask_error *err);

#endif
