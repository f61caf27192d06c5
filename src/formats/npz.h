/* NumPy .npz archives (a zip of .npy members): one member at a time into memory, as numbers of one type.
 * Golden vectors and per-image feature files come so. Pickled members are refused by their type, never loaded.
 * libzip's handle serves one thread at a time. */
#ifndef MASK_FORMATS_NPZ_H
#define MASK_FORMATS_NPZ_H

#include "formats/npy.h"

typedef struct mask__npz {
    struct zip *zip;
    char *path;
} mask__npz;

mask_status mask__npz_open(mask__npz *npz, const char *path, mask_error *err);
void mask__npz_close(mask__npz *npz); /* harmless on a zeroed one */

/* Whether there is a member of this name ("x" for "x.npy"). */
bool mask__npz_has(const mask__npz *npz, const char *name);

/* The first of a member's whole numbers, such as of a 0-d array; -1 when there is no such member. */
mask_status mask__npz_integer(const mask__npz *npz, const char *name, int64_t *value, mask_error *err);
/* What a member holds, from its header alone: type, shape, items. Refuses one whose size in the archive is not what the
 * header promises, or more than its compressed bytes could ever give. */
mask_status mask__npz_describe(const mask__npz *npz, const char *name, mask__npy *npy, mask_error *err);
/* Reads a member of `items` numbers, as told by mask__npz_describe, as float32 into out. */
mask_status mask__npz_floats(const mask__npz *npz, const char *name, size_t items, float *out, mask_error *err);

/* Writes an archive of stored members that appears under its name when it is complete. */
mask_status mask__npz_create(mask__npz *npz, const char *path, mask_error *err);
/* Copies the numbers: shape's product of them, of the type. */
mask_status mask__npz_add(mask__npz *npz, const char *name, mask__npy_type type, unsigned ndim, const size_t *shape,
                          const void *values, mask_error *err);
/* Closes npz whatever happens; mask__npz_close instead writes nothing. */
mask_status mask__npz_commit(mask__npz *npz, mask_error *err);

#endif
