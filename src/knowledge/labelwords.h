/* The words of labelled regions: every region's label becomes a set of words that have a vector. */
#ifndef MASK_KNOWLEDGE_LABELWORDS_H
#define MASK_KNOWLEDGE_LABELWORDS_H

#include "base/strings.h"
#include "knowledge/headrows.h"

typedef struct mask__label_words {
    mask__strings words; /* distinct, in order of appearance */
    float *vectors;      /* words x N, unit */
    uint64_t *counts;    /* regions that carry the word; a class counts as MASK__HEAD_ROWS */
    size_t *pairs_at;    /* regions + classes + 1 */
    uint32_t
        *pairs; /* words of region r: pairs[pairs_at[r]] .. pairs[pairs_at[r + 1]], distinct; classes after regions */
    size_t pair_count;
    size_t vectors_capacity, counts_capacity, pairs_capacity;
} mask__label_words;

/* Labels hold phrases ("The man", "a hot dog"): each word that is not dropped and has a vector counts, else its lemma;
 * by the CAPTION rule a compound that the vectors or WordNet know ("hot_dog") counts beside its parts. The classes of
 * `head` (NULL = none) are read like labels. */
mask_status mask__label_words_read(mask__label_words *words, const mask_labels *labels, const mask_head *head,
                                   const mask_vectors *vectors, mask_tokens rule, const mask_run *run, mask_error *err);
void mask__label_words_free(mask__label_words *words);

#endif
