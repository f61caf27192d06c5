/* Allocations that fail when told to. The linker wraps malloc and its kin (-Wl,--wrap, tests/CMakeLists.txt), which
 * reaches only what is linked statically: our objects, not SQLite, libvips, oneDNN or OpenBLAS. */
#ifndef TESTS_STARVE_H
#define TESTS_STARVE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

static size_t allowed = SIZE_MAX; /* allocations until one fails; SIZE_MAX = none will */
static bool starved;

static bool denied(void)
{
    size_t left;
#pragma omp atomic capture
    left = allowed--;
    if (left != 0) return false;
    starved = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return denied() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return denied() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return denied() ? NULL : __real_realloc(memory, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    return denied() ? ENOMEM : __real_posix_memalign(out, alignment, size);
}

#endif
