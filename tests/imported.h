/* Word vectors that a test imports from bytes of its own. */
#ifndef MASK_TESTS_IMPORTED_H
#define MASK_TESTS_IMPORTED_H

#include "check.h"

#define GLOVE "the 0.1 -0.2 3\ndog 1e-3 .5 -7\ncat 4 5 6\n"
static mask_error err;
static char input[256]; /* the file of import_bytes; temp_path would forget it */

static inline mask_status import_bytes(const char *to, const void *bytes, size_t size, const mask_run *run)
{
    if (!input[0]) snprintf(input, sizeof input, "%s", temp_path("input"));
    write_file(input, bytes, size);
    return mask_vectors_import(input, to, NULL, run, &err);
}

static inline mask_vectors *open_bytes(const void *bytes, size_t size)
{
    mask_vectors *v = NULL;
    const char *to = temp_path("words.mvec");
    check_ok(import_bytes(to, bytes, size, NULL));
    check_ok(mask_vectors_open(&v, to, NULL, &err));
    check_ok(mask_vectors_verify(v, &err));
    return v;
}

static inline mask_vectors *open_text(const char *text)
{
    return open_bytes(text, strlen(text));
}

#endif
