/* What words say of words: neighbours in word-vector space, and what they hand on (Eq. 11-13, Appendix B). */
#ifndef MASK_KNOWLEDGE_OOD_H
#define MASK_KNOWLEDGE_OOD_H

#include "base/error.h"
#include "base/memory.h"
#include "math/vector.h"

/* Words as seen two ways: unit word vectors (count x n), and unit vectors of the company they keep in texts
 * (count x s, see cooccurrence.h), NULL when unknown. */
typedef struct mask__word_space {
    size_t count, n, s;
    const float *vectors, *company;
} mask__word_space;

/* The neighbours of some words among the known ones and their weights s_q: sparse rows. */
typedef struct mask__neighbours {
    size_t count, m;     /* m entries a word, best first */
    mask__ranked *items; /* count x m: index and weight (Eq. 12) */
    float *nearness;     /* count: mean cosine of word vectors to the 5 nearest known words */
} mask__neighbours;

typedef struct mask__neighbour_options {
    size_t m;
    float temperature;
    bool skip_self;     /* query i is known word i and leaves itself out */
    const float *trust; /* count: share of `company` in the similarity of query i; NULL = none */
} mask__neighbour_options;

/* Eq. 11-12: similarity = (1 - trust) cosine of the vectors + trust cosine of the company, the m largest (ties by the
 * lower index), softmax(. / temperature). Parallel; free with mask__neighbours_free. */
mask_status mask__neighbours_find(mask__neighbours *out, const mask__word_space *known, const mask__word_space *queries,
                                  const mask__neighbour_options *options, mask_error *err);
void mask__neighbours_free(mask__neighbours *neighbours);
/* Eq. 13: out (count x z) = sum_q s_q table[q], table known x z. Parallel. */
void mask__neighbours_mean(const mask__neighbours *neighbours, const float *table, size_t z, float *out);
/* Rows seen rarely lean on their neighbours: table_k = (count_k table_k + pseudo o_k) / (count_k + pseudo), o_k the
 * neighbours' mean of the table as it was. */
mask_status mask__neighbours_shrink(const mask__neighbours *neighbours, const uint64_t *counts, float pseudo_counts,
                                    float *table, size_t z, mask_error *err);

/* Appendix B: the similarity transform that takes word vectors to prototypes, min ||v - (beta A w + t)||. */
typedef struct mask__procrustes {
    size_t n, z;
    double *matrix; /* z x n, beta A */
    double *vectors_mean, *prototypes_mean;
} mask__procrustes;
/* vectors: count x n, prototypes: count x z. What it works with and gives is in `arena`. */
mask_status mask__procrustes_fit(mask__procrustes *fit, const float *vectors, size_t n, const float *prototypes,
                                 size_t z, size_t count, mask__arena *arena, mask_error *err);
void mask__procrustes_apply(const mask__procrustes *fit, const float *w, float *v);

#endif
