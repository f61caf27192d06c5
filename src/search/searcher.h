/* What the searches of one open gallery share: the lexicon, so that words are looked up once, the OOD words with their
 * columns, and statistics of blocks. Any number of threads. */
#ifndef MASK_SEARCH_SEARCHER_H
#define MASK_SEARCH_SEARCHER_H

#include "search/oodwords.h"

/* Of the images of one block. */
typedef struct mask__block_range {
    float least_deviation, most_deviation; /* D(i) */
    float least_hub, most_hub;             /* a h(i) */
} mask__block_range;

/* D(i) and a h(i) D(i) in 8 bits, as columns are: a score that is compared with a bar is linear in them. */
typedef struct mask__image_columns {
    uint8_t *codes[2];     /* blocks x MASK__BLOCK; 0 beyond the images */
    mask__steps *steps[2]; /* blocks */
} mask__image_columns;

struct mask__searcher {
    pthread_mutex_t lock; /* of all below but ranges and images */
    mask__lexicon lexicon;
    bool open;
    size_t reads; /* since the lexicon was opened */
    mask__ood_word **words;
    size_t word_count, word_capacity, word_limit;
    uint64_t clock;
    mask__block_range **ranges;  /* segment, block; never changed, as what follows */
    mask__image_columns *images; /* segments */
    mask__arena arena;
};

/* A term of a text: a known word, or an OOD word that is held until mask__searcher_release. */
typedef struct mask__text_term {
    uint32_t known; /* MASK__NOT_FOUND for OOD */
    mask__ood_word *ood;
    size_t word; /* in the reading */
} mask__text_term;

/* Takes a text apart. The reading and the terms, repeats kept, are in `arena`. On failure nothing is held. */
mask_status mask__searcher_read(const mask__view *view, const mask_vectors *vectors, const char *text,
                                mask__arena *arena, mask_reading *reading, mask__text_term **terms, size_t *count,
                                mask_error *err);
void mask__searcher_release(const mask__view *view, const mask__text_term *terms, size_t count);

#endif
