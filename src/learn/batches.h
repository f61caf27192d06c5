/* The order in which a training run sees its regions: whole images, shuffled anew for each epoch, as many to a batch as
 * fit. An order depends on seed and epoch only, so a run can continue in the middle of one. */
#ifndef MASK_LEARN_BATCHES_H
#define MASK_LEARN_BATCHES_H

#include "nn/losses.h"
#include "learn/trainer.h"

typedef struct mask__batches {
    const mask__lesson *lesson;
    uint64_t seed;
    size_t images;
    size_t *order;              /* of the epoch's images */
    size_t max_rows, max_pairs; /* of a batch of the largest size */
    size_t largest;             /* regions of the largest image */
    size_t at;                  /* the next image of the order */
    size_t *offsets;            /* of the batch: the groups of its rows */
    size_t count, rows;         /* its images and regions */
    mask__label *pairs;         /* its labels, region = row of the batch */
    size_t pair_count;
    mask__arena arena;
} mask__batches;

/* For batches of at most `batch` regions (more only when one image has more) and four labels a region. */
mask_status mask__batches_open(mask__batches *out, const mask__lesson *lesson, size_t batch, uint64_t seed,
                               mask_error *err);
void mask__batches_close(mask__batches *batches);
/* Goes to image `at` of an epoch's order. */
void mask__batches_seek(mask__batches *batches, size_t epoch, size_t at);
/* Fills the next batch with at most `batch` regions; false at the end of the epoch. */
bool mask__batches_next(mask__batches *batches, size_t batch);
/* The features of the batch's regions, rows x M. NaN and infinity are refused. */
mask_status mask__batches_features(const mask__batches *batches, float *features, mask_error *err);

#endif
