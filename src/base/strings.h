/* A growing list of distinct strings with a hash index, and its stored form: one blob of bytes and
 * count + 1 offsets. Strings are byte strings (word vectors' tokens may be cut UTF-8) without NUL. */
#ifndef MASK_BASE_STRINGS_H
#define MASK_BASE_STRINGS_H

#include "base/pack.h"

#define MASK__NOT_FOUND UINT32_MAX

typedef struct mask__strings {
    char *bytes;       /* strings one after the other, without separators */
    uint64_t *offsets; /* count + 1 */
    uint32_t *slots;   /* open addressing, slot_count a power of two, MASK__NOT_FOUND = empty */
    size_t count, slot_count, bytes_capacity, offsets_capacity;
} mask__strings; /* {0} is a valid empty list */

void mask__strings_free(mask__strings *strings);
/* The index of the string, adding it when new. *added may be NULL. */
mask_status mask__strings_intern(mask__strings *strings, const char *text, size_t length, uint32_t *index, bool *added,
                                 mask_error *err);
/* Adds all strings of another list. */
mask_status mask__strings_copy(mask__strings *to, const mask__strings *from, mask_error *err);
/* MASK__NOT_FOUND when absent. */
uint32_t mask__strings_find(const mask__strings *strings, const char *text, size_t length);
/* The string and its length; not NUL-terminated. */
const char *mask__strings_get(const mask__strings *strings, size_t index, size_t *length);

/* Two tensors, NAME.bytes (u8) and NAME.offsets (u64). */
mask_status mask__strings_write(const mask__strings *strings, mask__pack_writer *writer, const char *name,
                                mask_error *err);
/* Reads them back, validating the offsets; a repeated string is an error. */
mask_status mask__strings_read(mask__strings *strings, const mask__pack *pack, const char *name, mask_error *err);

/* The hash of the index (XXH3), for stores that keep slots of their own. */
uint64_t mask__strings_hash(const char *text, size_t length);

#endif
