/* The best of many images, exactly, from certain bounds of their scores.
 *
 * Let T be the k-th largest of the lower bounds seen so far: k images score at least T. An image whose upper bound is
 * below T is not among the best k and is dropped; T only rises, so a dropped image stays dropped. The rest, the
 * candidates, are scored exactly in the order of their upper bounds until that bound falls below the k-th best exact
 * score: no later one can enter either. An upper bound that equals it is still looked at, for ties go by id. What is
 * scored does not depend on threads: candidates another order of scanning would have kept lie behind the end. */
#ifndef MASK_SEARCH_SELECT_H
#define MASK_SEARCH_SELECT_H

#include "search/gallery.h"

typedef struct mask__candidate {
    float upper;
    uint32_t segment, image;
} mask__candidate;

typedef struct mask__scored {
    double score;
    uint32_t segment, image;
    const char *id;
} mask__scored;

typedef struct mask__selection {
    size_t want;   /* k */
    float least;   /* scores below are not wanted; -INFINITY = any */
    float *lowers; /* the `want` largest lower bounds, the least first: a heap */
    size_t lower_count, lower_capacity;
    mask__candidate *candidates;
    size_t count, capacity;
    bool short_of_memory;
} mask__selection;

void mask__selection_open(mask__selection *selection, size_t want, float least);
void mask__selection_close(mask__selection *selection);
/* Images whose upper bound is below this need not be offered. */
float mask__selection_bar(const mask__selection *selection);
/* Offers the images of a block that `pass`, a bitmap of the segment, lets through. */
void mask__selection_offer(mask__selection *selection, size_t segment, size_t block, size_t images,
                           const uint64_t *pass, const float *upper, const float *lower);

enum { MASK__MOST_RESCORED = 256 }; /* candidates at once */

/* Scores candidates: scores[i] of batch[i]. May use threads. */
typedef void mask__rescorer(void *context, const mask__candidate *batch, size_t count, double *scores);
/* The best of what several selections were offered, best first, equal scores by id: *out (found of them, in arena). */
mask_status mask__selection_finish(mask__selection *parts, size_t part_count, const mask__snapshot *snapshot,
                                   mask__rescorer *rescore, void *context, mask__arena *arena, mask__scored **out,
                                   size_t *found, size_t *rescored, mask_error *err);

#endif
