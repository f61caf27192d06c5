/* A segment being made: its arrays in memory, but for mu, which is written as blocks of images are finished. */
#ifndef MASK_GALLERY_SEGMENT_WRITE_H
#define MASK_GALLERY_SEGMENT_WRITE_H

#include "gallery/segment.h"
#include "match/calibration.h"

typedef struct mask__draft {
    const mask__calibration *calibration;
    size_t images, blocks, stride, words, terms, z;
    mask__dtype type;    /* of stored vectors; those given are such numbers (mask__stored_round) */
    float rounding;      /* what products of rounded operands are off by, at most */
    size_t most_regions; /* kept of one image */
    uint64_t *image_rows;
    uint32_t *region_of_row;
    float *boxes;                        /* NaN where unknown */
    uint8_t *score_codes, *pooled_codes; /* terms and words x stride, 0 in padding */
    mask__steps *score_steps, *pooled_steps;
    float *whole, *scenes; /* NULL where the segment has none */
    float *image_hub, *image_deviation;
    mask__arena arena;
    mask__pack_writer *writer;
} mask__draft;

/* image_rows (images + 1) is copied. Opens the file for mask__draft_append. Close it whatever open returns. */
mask_status mask__draft_open(mask__draft *draft, const char *path, const mask__calibration *calibration,
                             const uint64_t *image_rows, size_t images, mask__dtype type, mask_error *err);
/* The rows of mu of the next images. */
mask_status mask__draft_append(mask__draft *draft, const float *mu, size_t rows, mask_error *err);
/* Writes all the rest and makes the file visible. */
mask_status mask__draft_commit(mask__draft *draft, mask_error *err);
void mask__draft_close(mask__draft *draft);

/* Codes of at most MASK__BLOCK finite values: |x - (low + code step)| <= step / 2 and a few roundings. */
mask__steps mask__quantise(const float *x, size_t count, uint8_t *codes);
#endif
