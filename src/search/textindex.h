/* Texts made ready to be scored with the images of one gallery: their words as terms, shares, statistics over B. */
#ifndef MASK_SEARCH_TEXTINDEX_H
#define MASK_SEARCH_TEXTINDEX_H

#include "search/gallery.h"

typedef struct mask__text_index {
    size_t texts, known, others; /* distinct words */
    const uint32_t *words;       /* known: in the knowledge */
    mask__scored_terms ood;      /* others; without over_b */
    const uint64_t *at;          /* texts + 1 */
    const uint32_t *terms;       /* of text t: terms[at[t]] ..: below `known`, or known + position among the others */
    const double *shares;        /* of the same; they sum to 1 in a text */
    const float *statistics;     /* texts x 4: mean, deviation, share, hub (mask__text_statistics) */
    mask__arena arena;           /* what was computed, */
    mask__pack pack;             /* or what was mapped */
} mask__text_index;

/* From the file of these texts in the gallery's folder, or made anew and kept there, if the folder can be written. */
mask_status mask__text_index_open(mask__text_index *out, const mask__view *view, const mask_vectors *vectors,
                                  const mask_texts *texts, const mask_run *run, mask_error *err);
void mask__text_index_close(mask__text_index *index);

#endif
