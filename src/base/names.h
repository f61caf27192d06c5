/* A list of names in which some repeat (image ids, region labels): each distinct one is stored once, and a name leads
 * back to the first place that has it. Memory: the distinct names and 4 bytes a place. */
#ifndef MASK_BASE_NAMES_H
#define MASK_BASE_NAMES_H

#include "base/strings.h"

typedef struct mask__names {
    mask__strings distinct; /* each with its final NUL, so that it can be handed out as it is */
    uint32_t *item;         /* count; the distinct name at each place */
    uint32_t *first;        /* distinct.count; the first place of each distinct name */
    size_t count, item_capacity, first_capacity;
} mask__names; /* {0} is a valid empty list */

void mask__names_free(mask__names *names);
/* text[length] must be NUL. */
mask_status mask__names_add(mask__names *names, const char *text, size_t length, mask_error *err);
const char *mask__names_get(const mask__names *names, size_t place);
/* The first place with this name, -1 when none has it. */
int64_t mask__names_find(const mask__names *names, const char *text);
/* One name a line, stripped; an empty line and control characters are refused. */
mask_status mask__names_read(mask__names *names, const char *path, mask_error *err);

#endif
