/* The company words keep: unit vectors from which words appear together in the background's texts and in the labels of
 * the knowledge's images (beyond the paper). "Surfing" has few look-alikes among word vectors but keeps company with
 * wave and surfboard, which are known.
 *
 *   C[u][v] = sum over documents that hold both of 1 / (distinct words - 1), u any word, v a known word
 *   P = max(0, log(C[u][v] / (row sum of u x share of v^0.75))), company = unit(P Q lambda^-1/4), (lambda, Q) of P'P */
#ifndef MASK_KNOWLEDGE_COOCCURRENCE_H
#define MASK_KNOWLEDGE_COOCCURRENCE_H

#include "base/memory.h"

#include "base/error.h"

/* Documents as lists of words: all words are numbered, the known ones first. */
typedef struct mask__documents {
    size_t count;
    const uint64_t *at;   /* count + 1 */
    const uint32_t *word; /* may repeat inside a document */
} mask__documents;

enum { MASK__COMPANY_DIM = 100, MASK__COMPANY_WORDS = 2000 }; /* dimensions; known words that serve as contexts */

/* out: words x *dim from the arena, *dim = min(MASK__COMPANY_DIM, known); words without company get zeros. Contexts are
 * the first MASK__COMPANY_WORDS known words (a knowledge lists its most frequent words first). */
mask_status mask__cooccurrence(const mask__documents *sets, size_t set_count, size_t words, size_t known, size_t *dim,
                               float **out, mask__arena *arena, mask_error *err);

#endif
