/* Which words of a text modify which nouns ("a RED SHIRT"), as positions of its tokens, from a table that somebody's
 * parser made. The handle serves one thread. It refuses a table of other texts. */
#ifndef MASK_TEXT_MODIFIERS_H
#define MASK_TEXT_MODIFIERS_H

#include "text/tokens.h"

typedef struct mask__modifier {
    uint32_t modifier, noun; /* positions of tokens */
} mask__modifier;

typedef struct mask__modifiers mask__modifiers;

/* A table of three whole numbers per line, set apart by tabs and rising by the first: text (from 0), position of the
 * modifier, position of the noun. */
mask_status mask__modifiers_open(mask__modifiers **out, const char *path, mask_error *err);
void mask__modifiers_close(mask__modifiers *modifiers);
/* The pairs of the next text, by their nouns; owned by modifiers until the next call. */
mask_status mask__modifiers_next(mask__modifiers *modifiers, const mask__tokens *tokens, const mask__modifier **pairs,
                                 size_t *count, mask_error *err);

#endif
