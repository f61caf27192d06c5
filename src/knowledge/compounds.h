/* Two adjacent words that are one: "hot dogs" is hot_dog, "speed boat" speedboat, as WordNet or the vectors spell it.
 */
#ifndef MASK_KNOWLEDGE_COMPOUNDS_H
#define MASK_KNOWLEDGE_COMPOUNDS_H

#include "text/tokens.h"
#include "text/wordnet.h"

enum { MASK__COMPOUND_BYTES = MASK__LEMMA_BYTES };

/* Whether the vectors know the two joined (hot_dog, hot-dog, hotdog) or WordNet has them as a noun. name gets the
 * compound's name, vector (N floats) its unit vector: the joined spelling's, else the mean of the two words' unit
 * vectors; scratch holds N floats. False too when neither gives a vector. Asks WordNet: cache the answer. */
bool mask__compound_find(const mask__morphy *wordnet, const mask_vectors *vectors, mask__token first,
                         mask__token second, char name[MASK__COMPOUND_BYTES], float *vector, float *scratch);

#endif
