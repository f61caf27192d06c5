/* A detector's vocabulary as bottom-up attention ships it (objects_vocab.txt, attributes_vocab.txt): a line a class,
 * its aliases set apart by commas, the first of them its name. An alias on several lines belongs to the first. */
#ifndef MASK_ANNOTATIONS_VOCABULARY_H
#define MASK_ANNOTATIONS_VOCABULARY_H

#include "base/names.h"

typedef struct mask__vocabulary {
    mask__names aliases;
    uint32_t *class_of; /* of each alias */
    mask__names names;  /* of each class */
    size_t count, capacity;
} mask__vocabulary; /* {0} is a valid empty one */

/* Aliases are stripped and put in lower case (ASCII letters); an empty line or alias is refused. On failure the
 * vocabulary is empty. */
mask_status mask__vocabulary_read(mask__vocabulary *vocabulary, const char *path, mask_error *err);
void mask__vocabulary_free(mask__vocabulary *vocabulary);
/* The class (its line, from 0) of an alias, -1 when it has none. */
int64_t mask__vocabulary_find(const mask__vocabulary *vocabulary, const char *alias);
/* The name of a class; owned by the vocabulary. */
const char *mask__vocabulary_name(const mask__vocabulary *vocabulary, size_t class);

#endif
