/* A query as searches compute it. Its score is linear in the words' columns:
 *
 *   score(i) = sum_t weight_t s(t,i),   s(t,i) = (S(t,i) - mean_t) / deviation_t / D(i) - share_t a h(i) - hub_t
 *            = (sum_w coefficient_w c_w(i) - M) / D(i) - W a h(i) - H
 *
 * The second form bounds whole blocks and every image from the 8-bit columns; the first is the score. */
#ifndef MASK_SEARCH_QUERYPLAN_H
#define MASK_SEARCH_QUERYPLAN_H

#include "search/likeness.h"
#include "search/searcher.h"

typedef struct mask__plan_text {
    double weight;
    mask__text_statistics statistics;
    double offset;       /* of its confidence; NAN = none */
    size_t first, count; /* of parts */
} mask__plan_text;

/* One occurrence of a word in a text. */
typedef struct mask__plan_part {
    size_t term, word, text; /* of the plan's terms; in the reading; of the query */
    double share;            /* shares sum to 1 in a text */
} mask__plan_part;

typedef struct mask__plan {
    const mask__view *view;
    /* Distinct terms: `known` known words, then `ood` OOD words. */
    size_t known, ood;
    uint32_t *words;                      /* known */
    mask__ood_word **ood_words, **locked; /* the same words in the order of their addresses: that of their locks */
    double *coefficients;                 /* known + ood */
    double *sizes; /* known + ood: the sums of the coefficients' parts without their signs, for roundings */
    mask__plan_part *parts;
    size_t part_count;
    mask__plan_text *texts;
    size_t text_count;                       /* texts without a usable word are left out */
    double mean, weight, hub;                /* M, W, H */
    double mean_size, weight_size, hub_size; /* as sizes */
    mask__likeness likeness;                 /* of the query's images: added to the scores of its texts */
    mask_reading *readings;                  /* one a text of the query */
    size_t reading_count;
    mask__text_term **held; /* what the searcher holds for it, by text of the query */
    size_t *held_count;
    mask__arena arena; /* all but the readings */
} mask__plan;

/* The readings go to `results`. MASK_ENOTFOUND when no word of the query can be used. Free in any case. */
mask_status mask__plan_open(mask__plan *plan, const mask__view *view, const mask_vectors *vectors,
                            const mask_query *query, mask__arena *results, mask_error *err);
void mask__plan_close(mask__plan *plan);
/* OOD words' columns may be read between these; narrow ones are noted outside. Every search takes its words' locks in
 * the same order: two that take them each in its own text's order could wait for each other, with a writer between. */
mask_status mask__plan_lock(const mask__plan *plan, mask_error *err);
void mask__plan_unlock(const mask__plan *plan);

/* Of some blocks of a segment, over the query's words. L = sum_w coefficient_w c_w(i). */
enum { MASK__BLOCK_RUN = 64 };
typedef struct mask__block_sums {
    size_t segment, first, count;
    double middle[MASK__BLOCK_RUN];    /* of L - M, known words: what is added to codes times steps */
    double radius[MASK__BLOCK_RUN];    /* what that may be off by */
    double high[MASK__BLOCK_RUN];      /* L - M is not above it */
    double magnitude[MASK__BLOCK_RUN]; /* the largest size any partial sum of L can have */
} mask__block_sums;

/* Certain bounds of the scores of a block's images: MASK__BLOCK each; false where none scores `bar`, as is mostly seen
 * before anything but codes is read. `blocks` keeps what is summed of the blocks that follow: count = 0 at first. */
bool mask__plan_bounds(const mask__plan *plan, size_t segment, size_t block, float bar, mask__block_sums *blocks,
                       float *upper, float *lower);
/* The score of an image, the same bits wherever and whenever; c (known + ood) receives c_w(i). scratch: as
 * mask__segment_scratch of the view's segments says. */
double mask__plan_score(const mask__plan *plan, size_t segment, size_t image, float *c, float *scratch);
/* The probability that the image shows what each of the query's texts of positive weight says, and none of negative,
 * from its c_w(i); NAN where a text has none, or the query has images. */
float mask__plan_confidence(const mask__plan *plan, size_t segment, size_t image, const float *c);

#endif
