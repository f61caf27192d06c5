/* In which language a text seems to be, where it is plainly not English: by its script, or by its commonest words. */
#ifndef MASK_TEXT_LANGUAGE_H
#define MASK_TEXT_LANGUAGE_H

#include "text/tokens.h"

/* Its name, static; NULL = English, or not plain. */
const char *mask__language(const mask__tokens *tokens);

#endif
