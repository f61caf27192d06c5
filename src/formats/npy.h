/* NumPy .npy arrays: format versions 1 to 3, C order, little-endian numbers; mapped, never copied whole. */
#ifndef MASK_FORMATS_NPY_H
#define MASK_FORMATS_NPY_H

#include "base/file.h"

#include <stdbool.h>

enum { MASK__NPY_DIMS = 4, MASK__NPY_HEADER = 512 };

typedef enum mask__npy_type {
    MASK__NPY_F16,
    MASK__NPY_F32,
    MASK__NPY_F64,
    MASK__NPY_I32,
    MASK__NPY_I64
} mask__npy_type;

typedef struct mask__npy {
    mask__map map;
    char *path;
    mask__npy_type type;
    unsigned ndim;
    size_t shape[MASK__NPY_DIMS];
    size_t items, item_bytes, data_offset;
    const unsigned char *data; /* shape[0] x ... = items; may be unaligned for its type */
} mask__npy;

/* Refuses Fortran order (ndim > 1), big-endian, pickled objects, other types, more than MASK__NPY_DIMS dimensions, and
 * a file whose length does not equal the header's promise, each with what to do about it. */
mask_status mask__npy_open(mask__npy *npy, const char *path, mask_error *err);
void mask__npy_close(mask__npy *npy);
/* The same for an array in memory (a member of an .npz); `name` stands in messages. Sets neither map nor path. */
mask_status mask__npy_parse(mask__npy *npy, const char *name, const unsigned char *data, size_t size, mask_error *err);
/* Only the header, of which `data` must hold all: type, shape, items, data_offset, and the bytes of numbers to follow.
 * Leaves npy->data. */
mask_status mask__npy_parse_header(mask__npy *npy, const char *name, const unsigned char *data, size_t size,
                                   size_t *bytes, mask_error *err);
/* Writes a header into out, which has room for MASK__NPY_HEADER bytes; returns its length. */
size_t mask__npy_header(char *out, size_t room, mask__npy_type type, unsigned ndim, const size_t *shape);
/* Items [first, first + count) of the flattened array as float32 into out. */
void mask__npy_floats(const mask__npy *npy, size_t first, size_t count, float *out);
/* The same items where they lie, when they are float32 at an address fit for it; else NULL. */
const float *mask__npy_direct(const mask__npy *npy, size_t first);
/* Lets go of the mapped pages of items that were read: they stay in the system's cache, but no longer count as this
 * process's memory, which would else grow to the size of the file. */
void mask__npy_forget(const mask__npy *npy, size_t first, size_t count);
bool mask__npy_is_float(const mask__npy *npy);
size_t mask__npy_item_bytes(mask__npy_type type);
const char *mask__npy_type_name(mask__npy_type type);

/* Writes a C-order array of float32 or float16 atomically, in pieces: create, append rows, commit. */
typedef struct mask__npy_writer {
    mask__writer file;
    mask__npy_type type;
    size_t expected_bytes, header_bytes;
} mask__npy_writer;
mask_status mask__npy_create(mask__npy_writer *writer, const char *path, mask__npy_type type, unsigned ndim,
                             const size_t *shape, mask_error *err);
mask_status mask__npy_append(mask__npy_writer *writer, const float *values, size_t count, mask_error *err);
/* As mask__writer_sync; refuses an array whose numbers are not all there. */
mask_status mask__npy_sync(mask__npy_writer *writer, mask_error *err);
mask_status mask__npy_commit(mask__npy_writer *writer, mask_error *err);
void mask__npy_abort(mask__npy_writer *writer);

#endif
