/* WordNet: lemmas and compounds. The WordNet library keeps global state, so calls are serialised by a lock; open
 * once, ask often, cache answers. */
#ifndef MASK_TEXT_WORDNET_H
#define MASK_TEXT_WORDNET_H

#include "base/error.h"

#include <stdbool.h>

enum { MASK__LEMMA_BYTES = 64, MASK__LEMMAS = 4 };

/* Opens the database once per process. Missing: MASK_EIO, naming the package to install. */
mask_status mask__wordnet_open(mask_error *err);
/* The distinct base forms of a word other than itself, nouns first, then verbs, then adjectives ("skateboarders" ->
 * "skateboarder"). Returns how many. Needs mask__wordnet_open. */
size_t mask__wordnet_lemmas(const char *word, size_t length, char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES]);
/* Whether "first_second" is a noun of WordNet ("hot dog"), or its lemma is ("hot dogs"); lemma gets it with an
 * underscore. */
bool mask__wordnet_compound(const char *first, size_t first_length, const char *second, size_t second_length,
                            char lemma[MASK__LEMMA_BYTES]);

#endif
