/* Binary heaps of items of any type, root first: MASK__HEAP(sink, TYPE, above) makes
 *     static void sink(TYPE *heap, size_t size, size_t at)
 * which moves heap[at] down until nothing below it belongs above it. above(a, b): whether *a belongs nearer to the root
 * than *b. The k best of many are kept with the worst of them at the root. */
#ifndef MASK_BASE_HEAP_H
#define MASK_BASE_HEAP_H

#include <stddef.h>

#define MASK__HEAP(sink, type, above)                                                                                  \
    static void sink(type *heap, size_t size, size_t at)                                                               \
    {                                                                                                                  \
        for (;;) {                                                                                                     \
            size_t first = at, left = 2 * at + 1, right = left + 1;                                                    \
            if (left < size && above(&heap[left], &heap[first])) first = left;                                         \
            if (right < size && above(&heap[right], &heap[first])) first = right;                                      \
            if (first == at) return;                                                                                   \
            type moved = heap[at];                                                                                     \
            heap[at] = heap[first];                                                                                    \
            heap[first] = moved;                                                                                       \
            at = first;                                                                                                \
        }                                                                                                              \
    }

#endif
