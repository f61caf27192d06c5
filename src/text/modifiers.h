/* Which words of a text modify which nouns ("a RED SHIRT"), as positions of its tokens: from link-grammar's parse of
 * the text, or from a file. Adjectives (its link A) and nouns that stand before nouns (AN) count; predicates ("the
 * shirt is red") do not.
 *
 * A parse takes some milliseconds and is given up after a second: a text that cannot be parsed has no modifiers. The
 * handle serves one thread. */
#ifndef MASK_TEXT_MODIFIERS_H
#define MASK_TEXT_MODIFIERS_H

#include "text/tokens.h"

typedef struct mask__modifier {
    uint32_t modifier, noun; /* positions of tokens */
} mask__modifier;

typedef struct mask__modifiers mask__modifiers;

/* path NULL: link-grammar's English dictionary, which must be installed. Else a table of three whole numbers a line,
 * set apart by tabs and rising by the first: text (from 0), position of the modifier, position of the noun. */
mask_status mask__modifiers_open(mask__modifiers **out, const char *path, mask_error *err);
void mask__modifiers_close(mask__modifiers *modifiers);
/* The pairs of the next text, by their nouns; owned by modifiers until the next call. */
mask_status mask__modifiers_next(mask__modifiers *modifiers, const mask__tokens *tokens, const mask__modifier **pairs,
                                 size_t *count, mask_error *err);

#endif
