/* Texts to tokens, and the words that are never looked up. */
#ifndef MASK_TEXT_TOKENS_H
#define MASK_TEXT_TOKENS_H

#include "base/error.h"

typedef struct mask__token {
    const char *text; /* case-folded, no spaces, not NUL-terminated; valid until the list is split into or freed */
    size_t length;
} mask__token;

typedef struct mask__tokens {
    mask__token *items;
    size_t count;
    /* the rest is the list's own; {0} is a valid empty list */
    char *bytes;
    size_t item_capacity, bytes_used, bytes_capacity;
} mask__tokens;

/* Replaces the list's content by the tokens of a text, all of them (stop words, punctuation and numbers too for
 * MASK_TOKENS_CAPTION; runs of two or more ASCII letters for MASK_TOKENS_LETTERS). Text that is not UTF-8 is
 * MASK_EFORMAT with the byte offset inside the text. */
mask_status mask__tokens_split(mask__tokens *tokens, mask_tokens rule, const char *text, size_t length,
                               mask_error *err);
void mask__tokens_free(mask__tokens *tokens);

/* Why a token is never looked up (a NUL-terminated reason from the data files), or NULL when it may be. The LETTERS
 * rule knows only the stop list; CAPTION also the non-visual words and tokens without a letter. */
const char *mask__tokens_dropped(mask_tokens rule, const char *token, size_t length);

#endif
