/* Inside of recalls for whoever ranks otherwise (rerank.c): one tie rule, one way to count. */
#ifndef MASK_EVAL_RECALL_H
#define MASK_EVAL_RECALL_H

#include "mask_research.h"

enum { MASK__TEXTS_PER_IMAGE = 5 };

/* How many scores beat a query's own, and how many of others equal it. */
typedef struct mask__rank {
    uint32_t better, equal;
} mask__rank;

/* The rank of the best of a query's own items [first, first + own) among `count`; own items that tie with it do not
 * count. */
mask__rank mask__rank_among(const float *scores, size_t count, size_t first, size_t own);
/* Metrics of the queries whose kind is accepted: (kinds[q] & care) == want; kinds NULL = all. values: scratch, count.
 */
mask_recall mask__recall_of(const mask__rank *ranks, size_t count, const unsigned char *kinds, unsigned care,
                            unsigned want, double *values);
/* sum += share x m for every metric; queries add up. */
void mask__recall_average(mask_recall *sum, const mask_recall *m, double share);
/* Adds to shares, of each image, what its queries give of 100 times the three recalls together; `queries` an image. */
void mask__recall_share(double *shares, const mask__rank *ranks, size_t images, size_t queries);
/* Rs, its interval from the shares of both directions, and whether ties matter. */
void mask__recall_finish(mask_recalls *recalls, const double *shares, size_t images, const mask_run *run);

#endif
