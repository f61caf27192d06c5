/* WordNet's index and exception files, mapped and searched in memory, with its rules for base forms ("Morphy"): what
 * morphstr and in_wn of its own library answer, some hundred times faster (that library bisects with two system calls a
 * step) and for many threads at once. It refuses a folder that lacks one of the files. */
#ifndef MASK_TEXT_MORPHY_H
#define MASK_TEXT_MORPHY_H

#include "base/file.h"

enum { MASK__MORPHY_BYTES = 64 };

typedef enum mask__part { MASK__NOUN, MASK__VERB, MASK__ADJECTIVE, MASK__PARTS } mask__part;

typedef struct mask__morphy {
    mask__map index[MASK__PARTS], exceptions[MASK__PARTS];
} mask__morphy;

mask_status mask__morphy_open(mask__morphy *morphy, const char *folder, mask_error *err);
void mask__morphy_close(mask__morphy *morphy);
/* Whether the index of this part of speech has the word. */
bool mask__morphy_has(const mask__morphy *morphy, const char *word, mask__part part);
/* Calls `each` for the base forms of a word (a-z - _ ', a letter first, below MASK__MORPHY_BYTES) until it returns
 * false. */
typedef bool mask__morphy_user(void *context, const char *base, size_t length);
void mask__morphy_bases(const mask__morphy *morphy, const char *word, mask__part part, mask__morphy_user *each,
                        void *context);

#endif
