/* WordNet: lemmas and compounds, asked of its mapped files (morphy.h). An answer costs microseconds: callers cache
 * them. It refuses words that are long or hold other characters than a-z, hyphen, apostrophe and underscore. */
#ifndef MASK_TEXT_WORDNET_H
#define MASK_TEXT_WORDNET_H

#include "text/morphy.h"

enum { MASK__LEMMA_BYTES = MASK__MORPHY_BYTES, MASK__LEMMAS = 4 };

/* Opens the database in WNSEARCHDIR, else WNHOME/dict, else where wordnet-base puts it. Missing: MASK_EIO, naming the
 * package to install. Close it with mask__morphy_close. Many threads may ask one. A zeroed one has no words. */
mask_status mask__wordnet_open(mask__morphy *morphy, mask_error *err);
/* The distinct base forms of a case-folded word other than itself, nouns first, then verbs, then adjectives
 * ("skateboarders" -> "skateboarder"); WordNet has each in that part of speech. Returns how many: 0 for words WordNet
 * cannot hold (long, digits, not ASCII). *nouns (may be NULL): how many are nouns. */
size_t mask__wordnet_lemmas(const mask__morphy *morphy, const char *word, size_t length,
                            char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES], size_t *nouns);
/* Whether two words in a row are one noun of WordNet ("hot dog"), or become one when the second is put in its base form
 * ("hot dogs"). lemma gets WordNet's spelling: "hot_dog", "hula-hoop", "speedboat". */
bool mask__wordnet_compound(const mask__morphy *morphy, const char *first, size_t first_length, const char *second,
                            size_t second_length, char lemma[MASK__LEMMA_BYTES]);

#endif
