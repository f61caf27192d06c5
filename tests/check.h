/* What the unit tests share: cmocka's includes, temporary files, expectations about statuses. */
#ifndef MASK_TESTS_CHECK_H
#define MASK_TESTS_CHECK_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <omp.h>

#include "mask_research.h"

/* Runs a fallible call with `err` in scope and fails the test with its message unless it succeeds. The number of
 * threads is the program's, so a call must leave it as it was. */
#define check_ok(call)                                                                                                 \
    do {                                                                                                               \
        int threads_before_call = omp_get_max_threads();                                                               \
        if ((call) != MASK_OK) fail_msg("%s: %s", #call, err.message);                                                 \
        assert_int_equal(omp_get_max_threads(), threads_before_call);                                                  \
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

static char temp_folder[160];
static pid_t temp_owner;

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static void remove_temp_folder(void)
{
    if (getpid() == temp_owner) nftw(temp_folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh path in a folder of this test program's own, which goes when the program ends; static storage, eight at a
 * time. */
static inline const char *temp_path(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    if (!temp_folder[0]) {
        const char *place = getenv("TMPDIR");
        snprintf(temp_folder, sizeof temp_folder, "%.100s/mask-test-XXXXXX", place && *place ? place : "/tmp");
        if (!mkdtemp(temp_folder) || atexit(remove_temp_folder) != 0) abort();
        temp_owner = getpid();
    }
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", temp_folder, name);
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
