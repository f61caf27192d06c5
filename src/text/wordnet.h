/* WordNet: lemmas and compounds. The WordNet library keeps global state, so calls are serialised by a lock; open
 * once, ask often, cache answers. */
#ifndef MASK_TEXT_WORDNET_H
#define MASK_TEXT_WORDNET_H

#include "base/error.h"

#include <stdbool.h>

enum { MASK__LEMMA_BYTES = 64, MASK__LEMMAS = 4 };

/* Opens the database once per process. Missing: MASK_EIO, naming the package to install; later calls fail alike. */
mask_status mask__wordnet_open(mask_error *err);
/* The distinct base forms of a case-folded word other than itself, nouns first, then verbs, then adjectives
 * ("skateboarders" -> "skateboarder"); WordNet has each in that part of speech. Returns how many: 0 for words WordNet
 * cannot hold (long, digits, not ASCII) and while it is not open. *nouns (may be NULL): how many are nouns. */
size_t mask__wordnet_lemmas(const char *word, size_t length, char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES],
                            size_t *nouns);
/* Whether two words in a row are one noun of WordNet ("hot dog"), or become one when the second is put in its base form
 * ("hot dogs"). lemma gets WordNet's spelling: "hot_dog", "hula-hoop", "speedboat". */
bool mask__wordnet_compound(const char *first, size_t first_length, const char *second, size_t second_length,
                            char lemma[MASK__LEMMA_BYTES]);

#endif
