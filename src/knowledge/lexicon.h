/* From texts to terms: what each token stands for in a knowledge, and the prototypes of all terms of a set of texts.
 *
 * A term is a word with a prototype: known, or OOD with a word vector. Tokens are resolved once and cached; a text
 * becomes the list of its terms. Background texts, which are stored as words, join the same lexicon. */
#ifndef MASK_KNOWLEDGE_LEXICON_H
#define MASK_KNOWLEDGE_LEXICON_H

#include "knowledge/knowledge.h"
#include "text/modifiers.h"
#include "text/tokens.h"

#define MASK__NO_TERM UINT32_MAX

typedef struct mask__resolution {
    mask_word_kind kind;
    const char *token, *word, *reason; /* as in mask_word */
    uint32_t term;                     /* of KNOWN and OOD words, else MASK__NO_TERM */
} mask__resolution;

typedef struct mask__term {
    uint32_t known;          /* index in the knowledge, MASK__NOT_FOUND for OOD */
    uint32_t vector;         /* of OOD: row of lexicon vectors */
    uint32_t base, modifier; /* of a noun with its modifier: the terms it is made of (and else like the noun); else
                                MASK__NO_TERM */
} mask__term;

typedef struct mask__lexicon {
    const mask_knowledge *knowledge;
    const mask__dictionary *dictionary; /* the knowledge's: open for CAPTION, else without a word */
    const mask_vectors *vectors;        /* NULL = no OOD words */
    mask__arena arena;
    mask__tokens tokens;
    mask__strings seen;            /* distinct tokens, and pairs "first second" that are compounds */
    mask__resolution *resolutions; /* one for each of `seen` */
    size_t resolution_capacity;
    uint32_t *items;     /* the text read last: indices of resolutions */
    size_t *token_items; /* of its tokens: place in items */
    size_t item_count, item_capacity, token_capacity;
    mask__modifiers *modifiers; /* of the texts that are added; NULL = nouns stand alone */
    mask__strings names;        /* of the terms */
    mask__term *terms;
    size_t term_capacity;
    float *ood_vectors; /* OOD terms x N, unit */
    size_t ood_count, ood_capacity;
    size_t texts, text_capacity, used, used_capacity;
    size_t *text_at;             /* texts + 1 */
    uint32_t *text_terms;        /* term indices, in order of appearance, repeats kept */
    size_t known, ood, unusable; /* occurrences */
} mask__lexicon;

/* vectors NULL: OOD words are unusable. */
mask_status mask__lexicon_open(mask__lexicon *lexicon, const mask_knowledge *knowledge, const mask_vectors *vectors,
                               mask_error *err);
void mask__lexicon_close(mask__lexicon *lexicon);
mask_status mask__lexicon_add_text(mask__lexicon *lexicon, const char *text, mask_error *err);
/* Adds the knowledge's background texts, with their OOD words or without; counts nothing. */
mask_status mask__lexicon_add_background(mask__lexicon *lexicon, bool ood, mask_error *err);
/* Makes terms 0 .. K - 1 of a lexicon that is still empty the known words. */
mask_status mask__lexicon_add_known(mask__lexicon *lexicon, mask_error *err);
/* What a text's tokens became, in order; *items lives until the lexicon closes. */
mask_status mask__lexicon_read(mask__lexicon *lexicon, const char *text, const mask__resolution ***items, size_t *count,
                               mask_error *err);

/* What the terms of a lexicon are worth to a matcher. */
typedef struct mask__term_values {
    float *prototypes;  /* terms x Z, unit */
    float *scenes;      /* terms x Z, unit; NULL without scenes */
    float *weights;     /* terms: in a text's mean */
    float *reliability; /* terms: of their columns */
} mask__term_values;

/* Makes them in `arena`; scenes where options->scene asks for them. */
mask_status mask__term_values_make(mask__term_values *out, const mask__lexicon *lexicon,
                                   const mask_match_options *options, mask__arena *arena, mask_error *err);
/* Fills arrays that the caller made, from neighbours that were found already. */
mask_status mask__lexicon_values_from(const mask__lexicon *lexicon, const mask_match_options *options,
                                      const mask__neighbours *neighbours, mask__term_values *values, mask_error *err);
/* The known neighbours of the OOD terms, in the order of lexicon->ood_vectors (Eq. 11-12). */
mask_status mask__lexicon_neighbours(const mask__lexicon *lexicon, const mask_match_options *options,
                                     mask__neighbours *out, mask_error *err);
/* A resolution as a mask_word, all of it in `arena`: weight in a text's mean, and for an OOD word its m neighbours
 * (NULL = none). */
mask_status mask__lexicon_word(mask_word *out, const mask__lexicon *lexicon, const mask__resolution *resolution,
                               float weight, const mask__ranked *neighbours, size_t m, mask__arena *arena,
                               mask_error *err);

#endif
