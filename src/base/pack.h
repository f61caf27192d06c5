/* The container under every file of ours: a header, named tensors, a table of them. docs/format.md is its page.
 * Offsets, shapes and sizes are validated once at open; each tensor carries an XXH3 checksum. */
#ifndef MASK_BASE_PACK_H
#define MASK_BASE_PACK_H

#include "base/file.h"

#include <stdbool.h>

typedef enum mask__dtype {
    MASK__U8 = 1,
    MASK__F16,
    MASK__F32,
    MASK__F64,
    MASK__I32,
    MASK__U32,
    MASK__U64,
    MASK__DTYPE_END
} mask__dtype;

enum { MASK__NAME_BYTES = 48, MASK__DIMS = 4, MASK__MAGIC_BYTES = 8 };

typedef struct mask__tensor {
    char name[MASK__NAME_BYTES];
    mask__dtype dtype;
    unsigned ndim;
    uint64_t shape[MASK__DIMS];
    uint64_t offset, bytes, checksum;
    const void *data; /* into the map; NULL in a writer's table */
} mask__tensor;

typedef struct mask__pack {
    mask__map map;
    char *path;
    uint32_t version;
    size_t count;
    mask__tensor *tensors;
} mask__pack;

typedef enum { MASK__VERIFY_TABLE, MASK__VERIFY_DATA } mask__verify;

/* magic is MASK__MAGIC_BYTES characters. VERIFY_DATA reads every tensor against its checksum. A file of a newer
 * version than max_version is refused. */
mask_status mask__pack_open(mask__pack *pack, const char *path, const char *magic, uint32_t max_version,
                            mask__verify verify, mask_error *err);
mask_status mask__pack_verify(const mask__pack *pack, mask_error *err);
void mask__pack_close(mask__pack *pack);
/* The tensor of that name, type and shape; a shape entry of 0 accepts any length. An absent tensor is an error. */
mask_status mask__pack_get(const mask__pack *pack, const char *name, mask__dtype dtype, unsigned ndim,
                           const uint64_t *shape, const mask__tensor **out, mask_error *err);
/* The data of one of rows x columns (0: one dimension). *rows is what it must be, 0 too, or MASK__ANY, and is set. */
#define MASK__ANY SIZE_MAX
mask_status mask__pack_data(const mask__pack *pack, const char *name, mask__dtype dtype, size_t *rows, size_t columns,
                            const void *data_pointer, mask_error *err);
const mask__tensor *mask__pack_find(const mask__pack *pack, const char *name); /* NULL when absent */

typedef struct mask__pack_writer mask__pack_writer;

mask_status mask__pack_create(mask__pack_writer **out, const char *path, const char *magic, uint32_t version,
                              mask_error *err);
mask_status mask__pack_add(mask__pack_writer *writer, const char *name, mask__dtype dtype, unsigned ndim,
                           const uint64_t *shape, const void *data, mask_error *err);
/* rows x columns (0: one dimension) of any type; data NULL = nothing is added. */
mask_status mask__pack_put(mask__pack_writer *writer, const char *name, mask__dtype dtype, size_t rows, size_t columns,
                           const void *data, mask_error *err);
/* A tensor whose first dimension is known only at the end: begin, append rows, end. */
mask_status mask__pack_begin(mask__pack_writer *writer, const char *name, mask__dtype dtype, mask_error *err);
mask_status mask__pack_append(mask__pack_writer *writer, const void *data, size_t bytes, mask_error *err);
mask_status mask__pack_end(mask__pack_writer *writer, unsigned ndim, const uint64_t *shape, mask_error *err);
/* When `status`, of the writing so far, is MASK_OK: writes the table and makes the file visible. Frees the writer
 * whatever happens. */
mask_status mask__pack_commit(mask__pack_writer *writer, mask_status status, mask_error *err);
void mask__pack_abort(mask__pack_writer *writer); /* NULL is fine */

#endif
