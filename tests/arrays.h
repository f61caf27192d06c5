/* Arrays and folders that the dataset tests write for themselves. */
#ifndef MASK_TESTS_ARRAYS_H
#define MASK_TESTS_ARRAYS_H

#include "check.h"
#include "formats/npy.h"

#include <sys/stat.h>

/* Writes values (the product of shape) as .npy. */
static inline void write_array(const char *path, mask__npy_type type, unsigned ndim, const size_t *shape,
                               const float *values)
{
    mask_error err;
    mask__npy_writer writer;
    size_t count = 1;
    for (unsigned d = 0; d < ndim; d++) count *= shape[d];
    check_ok(mask__npy_create(&writer, path, type, ndim, shape, &err));
    check_ok(mask__npy_append(&writer, values, count, &err));
    check_ok(mask__npy_commit(&writer, &err));
}

/* Writes count values 0, 1, 2, ... each `copies` times per row of `row` values: rows are stored that often. */
static inline void write_counting(const char *path, mask__npy_type type, unsigned ndim, const size_t *shape,
                                  size_t copies)
{
    size_t count = 1, row = 1;
    for (unsigned d = 0; d < ndim; d++) count *= shape[d];
    for (unsigned d = 1; d < ndim; d++) row *= shape[d];
    float *values = calloc(count, sizeof *values);
    if (!values) abort();
    for (size_t i = 0; i < count; i++) values[i] = (float)(i / row / copies * row + i % row);
    write_array(path, type, ndim, shape, values);
    free(values);
}

/* A new empty folder of this test program's own; the caller frees the path. */
static inline char *new_folder(const char *name)
{
    char *path = strdup(temp_path(name));
    if (!path || mkdir(path, 0777) != 0) abort();
    return path;
}

/* FOLDER/NAME; static storage, eight at a time. */
static inline const char *inside(const char *folder, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Writes `lines` lines of `prefix` and a number, counting from 0, each number `copies` times. */
static inline void write_numbered(const char *path, const char *prefix, size_t lines, size_t copies)
{
    FILE *file = fopen(path, "w");
    if (!file) abort();
    for (size_t i = 0; i < lines; i++) fprintf(file, "%s%zu\n", prefix, i / copies);
    if (fclose(file) != 0) abort();
}

#endif
