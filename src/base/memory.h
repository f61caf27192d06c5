/* Memory with one lifetime: an arena is filled while a thing is built or a request runs, and freed at once.
 * Sizes are given as count x size and multiplied with an overflow check, since counts come from files. */
#ifndef MASK_BASE_MEMORY_H
#define MASK_BASE_MEMORY_H

#include "base/error.h"

#include <stdbool.h>

typedef struct mask__arena {
    struct mask__arena_block *head;
    bool lost; /* memory was short for something: one look is enough, after all has been asked for */
} mask__arena; /* {0} is a valid empty arena */

/* Zeroed, 64-byte aligned, lives until mask__arena_free. NULL when memory is short or count * size overflows. */
void *mask__arena_alloc(mask__arena *arena, size_t count, size_t size);
/* rows x columns items of `size` bytes; likewise. */
void *mask__arena_matrix(mask__arena *arena, size_t rows, size_t columns, size_t size);
/* A copy of length bytes with a final NUL. */
char *mask__arena_text(mask__arena *arena, const char *text, size_t length);
void mask__arena_free(mask__arena *arena);

static inline size_t mask__least(size_t a, size_t b)
{
    return a < b ? a : b;
}
/* count * size into *out; false on overflow. */
bool mask__multiply(size_t count, size_t size, size_t *out);
/* Makes room for `need` items in a malloc'ed array (*array may be NULL); doubles. False when memory is short:
 * the array is then as it was. The owner frees it with free(). */
bool mask__grow(void *array_pointer, size_t *capacity, size_t need, size_t item);
/* The same; where memory is short, an error about `what`. */
mask_status mask__room(void *array_pointer, size_t *capacity, size_t need, size_t item, const char *what,
                       mask_error *err);

/* A text made as printf does, for the caller to free; NULL when memory is short. */
char *mask__text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A local variable that is let go of at the end of its block, however that is left: MASK__FREED char *path = NULL;
 * or, by a function that gets a pointer to it, MASK__CLOSED(mask__npz_close) mask__npz npz = {0}; */
#define MASK__CLOSED(close) __attribute__((cleanup(close), unused))
#define MASK__FREED MASK__CLOSED(mask__free)
void mask__free(void *pointer_to_pointer);

#endif
