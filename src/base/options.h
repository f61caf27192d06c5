/* Options of every kind (include/mask_options.h): taken from a caller, kept in files and compared, all by the tables.
 */
#ifndef MASK_BASE_OPTIONS_H
#define MASK_BASE_OPTIONS_H

#include "base/error.h"

enum { MASK__OPTIONS_TEXT = 2048 }; /* bytes that the text of any kind fits */

/* Copies a caller's options, checked: sizes of other versions by the rule of mask_options.h, values by their ranges
 * (MASK_EINVAL). `given` may be NULL; *out, the struct of this version, must hold what then holds. */
mask_status mask__options_take(mask_options_kind kind, void *out, const void *given, mask_error *err);
/* The kept ones as files have them: "pool max-mean, top 3, context 0.5". */
void mask__options_write(mask_options_kind kind, const void *options, char text[MASK__OPTIONS_TEXT]);
/* The reverse; an option that the text lacks takes its default. `path` is for messages: MASK_EFORMAT with the name of
 * an unknown option or one out of its range. */
mask_status mask__options_read(mask_options_kind kind, void *options, const char *text, size_t length, const char *path,
                               mask_error *err);
/* The name of an option in which two such texts differ, an absent one being its default; NULL when they are equal. */
const char *mask__options_differ(mask_options_kind kind, const char *a, const char *b);
/* Sets options from numbers in this order, as files of version 0.1 keep them. */
mask_status mask__options_read_numbers(mask_options_kind kind, void *options, const char *const *names, size_t count,
                                       const double *numbers, const char *path, mask_error *err);

#endif
