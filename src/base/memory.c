#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, BLOCK_BYTES = 1 << 16 };

typedef struct mask__arena_block {
    struct mask__arena_block *next;
    size_t used, size; /* of the bytes that follow the header */
    char padding[ALIGNMENT - 3 * sizeof(size_t)];
} block;
_Static_assert(sizeof(block) == ALIGNMENT, "data after the header must be aligned");

bool mask__multiply(size_t count, size_t size, size_t *out)
{
    return !__builtin_mul_overflow(count, size, out);
}

static block *new_block(size_t size)
{
    size_t total;
    void *memory = NULL;
    if (__builtin_add_overflow(size, sizeof(block), &total) || total > PTRDIFF_MAX) return NULL;
    if (posix_memalign(&memory, ALIGNMENT, total) != 0) return NULL;
    memset(memory, 0, sizeof(block));
    ((block *)memory)->size = size;
    return memory;
}

static void *lose(mask__arena *arena)
{
    arena->lost = true;
    return NULL;
}

void *mask__arena_alloc(mask__arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!mask__multiply(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT) return lose(arena);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *b = arena->head;
    if (!b || b->size - b->used < bytes) {
        b = new_block(bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
        if (!b) return lose(arena);
        /* A block made for one large item is full at once: keep filling the small one behind it. */
        if (bytes > BLOCK_BYTES && arena->head) {
            b->next = arena->head->next;
            arena->head->next = b;
        } else {
            b->next = arena->head;
            arena->head = b;
        }
    }
    char *memory = (char *)(b + 1) + b->used;
    b->used += bytes;
    return memset(memory, 0, bytes);
}

void *mask__arena_matrix(mask__arena *arena, size_t rows, size_t columns, size_t size)
{
    size_t count;
    return mask__multiply(rows, columns, &count) ? mask__arena_alloc(arena, count, size) : lose(arena);
}

char *mask__arena_text(mask__arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX) return NULL;
    char *copy = mask__arena_alloc(arena, length + 1, 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

void mask__arena_free(mask__arena *arena)
{
    block *b = arena->head;
    while (b) {
        block *next = b->next;
        free(b);
        b = next;
    }
    *arena = (mask__arena){0};
}

bool mask__grow(void *array_pointer, size_t *capacity, size_t need, size_t item)
{
    size_t bytes, wanted = *capacity ? *capacity : 16;
    void *array;
    if (need <= *capacity) return true;
    while (wanted < need)
        if (!mask__multiply(wanted, 2, &wanted)) return false;
    if (!mask__multiply(wanted, item, &bytes)) return false;
    memcpy(&array, array_pointer, sizeof array); /* the caller's pointer may be of any object type */
    array = realloc(array, bytes);
    if (!array) return false;
    memcpy(array_pointer, &array, sizeof array);
    *capacity = wanted;
    return true;
}

char *mask__text(const char *format, ...)
{
    char *text;
    va_list list;
    va_start(list, format);
    int length = vasprintf(&text, format, list);
    va_end(list);
    return length < 0 ? NULL : text;
}

void mask__free(void *pointer_to_pointer)
{
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
}

mask_status mask__room(void *array_pointer, size_t *capacity, size_t need, size_t item, const char *what,
                       mask_error *err)
{
    return mask__grow(array_pointer, capacity, need, item) ? MASK_OK : mask__no_memory(err, what);
}
