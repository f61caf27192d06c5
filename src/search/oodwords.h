/* Words outside the knowledge, as a gallery's searches see them: looked up once, and their columns over the gallery
 * kept, as intervals that later searches narrow. */
#ifndef MASK_SEARCH_OODWORDS_H
#define MASK_SEARCH_OODWORDS_H

#include "search/gallery.h"

#include <pthread.h>

/* Certain bounds of c_w(i) over a segment: low[i] <= c_w(i) <= high[i]; equal where it was computed exactly. */
typedef struct mask__bounds {
    float *high, *low;             /* blocks x MASK__BLOCK; 0 beyond the images */
    float *block_high, *block_low; /* blocks: of the interval, for whole blocks */
} mask__bounds;

typedef struct mask__ood_word {
    char *name;
    size_t length;
    float weight;              /* in a text's mean */
    uint32_t place;            /* among the calibration's terms; MASK__NO_TERM where T does not hold it */
    uint32_t column;           /* the same where every segment has its scores, else MASK__NO_TERM */
    mask__scored_terms scored; /* of this one word */
    mask__neighbours neighbours;
    double norm;           /* |sum s_q v_q| */
    mask__bounds *columns; /* one a segment, once filled */
    pthread_rwlock_t lock; /* of columns and filled */
    bool filled;
    size_t users; /* searches that hold it; guarded by the searcher's lock, as `used` is */
    uint64_t used;
    mask__arena arena;
} mask__ood_word;

/* The word that is `term` of a lexicon, without columns. */
mask_status mask__ood_word_make(mask__ood_word **out, const mask__view *view, const mask__lexicon *lexicon,
                                uint32_t term, mask_error *err);
void mask__ood_word_free(mask__ood_word *word);
/* How known words bound A_v: sum_q shares_q A_q(i) is not below it, by more than `off`. */
typedef struct mask__ood_shares {
    double *shares;      /* s_q |v_q| / n, of the neighbours */
    double sum;          /* of them */
    bool convex, linear; /* whether known columns bound A from above, and from below */
    double off, margin;  /* of the sum of floats; of c_w(i), for the roundings of its parts */
} mask__ood_shares;
mask_status mask__ood_word_shares(const mask__ood_word *word, const mask__view *view, mask__ood_shares *out,
                                  mask__arena *arena, mask_error *err);
/* Makes sure that its columns are there. Any number of threads may ask. */
mask_status mask__ood_word_fill(mask__ood_word *word, const mask__view *view, mask_error *err);
/* c_w of an image that was computed exactly. The caller holds the write lock. */
void mask__ood_word_note(mask__ood_word *word, size_t segment, size_t image, float c);

#endif
