/* Words of a knowledge that a word of no meaning may have been meant as. */
#ifndef MASK_KNOWLEDGE_SUGGEST_H
#define MASK_KNOWLEDGE_SUGGEST_H

#include "knowledge/knowledge.h"

enum { MASK__SUGGESTIONS = 3 };

/* The known words nearest by edit distance (one letter more, less, another, or two exchanged: 1), at most 1 for words
 * of up to four letters and 2 for longer ones; equal ones by their regions. Where none is, those of the word without an
 * s at its end. */
size_t mask__suggest(const mask_knowledge *knowledge, const char *word, size_t length,
                     const char *out[MASK__SUGGESTIONS]);

#endif
