/* What the unit tests share: cmocka's includes, temporary files, expectations about statuses. */
#ifndef MASK_TESTS_CHECK_H
#define MASK_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mask_research.h"

/* Runs a fallible call with `err` in scope and fails the test with its message unless it succeeds. */
#define check_ok(call)                                                                                                 \
    do {                                                                                                               \
        if ((call) != MASK_OK) fail_msg("%s: %s", #call, err.message);                                                 \
    } while (0)
/* Expects a status and a message that contains a part; the message must be a single line. */
#define check_fails(call, expected, part)                                                                              \
    do {                                                                                                               \
        memset(&err, 0, sizeof err);                                                                                   \
        assert_int_equal((call), (expected));                                                                          \
        assert_int_equal(err.status, (expected));                                                                      \
        assert_null(strchr(err.message, '\n'));                                                                        \
        if (!strstr(err.message, (part))) fail_msg("'%s' lacks '%s'", err.message, (part));                            \
    } while (0)

/* Leaves a test, saying why in the form that scripts/list-skipped.py collects. */
#define skip_because(...)                                                                                              \
    do {                                                                                                               \
        print_message("skipped: " __VA_ARGS__);                                                                        \
        print_message("\n");                                                                                           \
        skip();                                                                                                        \
    } while (0)
/* The folder of real data, or the end of the test. */
#define need_shared(shared)                                                                                            \
    const char *shared = getenv("MASK_SHARED");                                                                        \
    if (!shared) skip_because("MASK_SHARED is not set")

/* A fresh path in a folder of this test program's own; static storage, eight at a time. */
static inline const char *temp_path(const char *name)
{
    static char folder[64], paths[8][256];
    static unsigned next;
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s", "/tmp/mask-test-XXXXXX");
        if (!mkdtemp(folder)) abort();
    }
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Writes bytes to a file, replacing it. */
static inline void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) abort();
}

static inline void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

/* Reads a whole file; the caller frees. */
static inline void *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) abort();
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*size + 1);
    if (!data || fread(data, 1, *size, file) != *size) abort();
    fclose(file);
    data[*size] = 0;
    return data;
}

#endif
