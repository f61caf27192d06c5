/* From what a data set calls a region to its label: the field's ways of cleaning, by name (docs/datasets.md says what
 * each does). Each step is a function of one text; only the counting of `mask` remembers anything. */
#ifndef MASK_ANNOTATIONS_LABELRECIPE_H
#define MASK_ANNOTATIONS_LABELRECIPE_H

#include "annotations/vocabulary.h"
#include "base/bytes.h"

typedef struct mask__label_recipe {
    mask_recipe kind;
    mask__vocabulary objects, attributes; /* of BUTD; empty = every name is taken as it is */
    mask__strings words;                  /* of MASK: those met, and how often */
    uint64_t *counts;
    size_t count_capacity, min_count;
    bool counting; /* the first pass: words are counted and all kept */
} mask__label_recipe;

/* The files may be NULL. */
mask_status mask__label_recipe_open(mask__label_recipe *recipe, mask_recipe kind, const char *objects,
                                    const char *attributes, size_t min_count, mask_error *err);
void mask__label_recipe_close(mask__label_recipe *recipe);
/* Whether the recipe must see everything once before it can write labels. */
bool mask__label_recipe_counts(const mask__label_recipe *recipe);

/* Appends what the recipe makes of a name or an attribute, words set apart by single spaces; *words grows by the words
 * or phrases that were kept. */
mask_status mask__label_add_name(mask__label_recipe *recipe, const char *name, mask__bytes *label, size_t *words,
                                 mask_error *err);
mask_status mask__label_add_attribute(mask__label_recipe *recipe, const char *attribute, mask__bytes *label,
                                      size_t *words, mask_error *err);

/* In place. BUTD's cleaning: ASCII letters to lower case, stripped, a final "." dropped. */
void mask__clean_butd(char *text);
/* In place. MACK's: each of the 32 ASCII punctuation marks, and each control character, becomes a space. */
void mask__clean_mack(char *text);
/* MASK's: a word of ASCII letters and digits, with a letter. */
bool mask__word_is_plain(const char *word, size_t length);

#endif
