/* NumPy .npz archives by libzip, stored or deflated.
 * A member is inflated piece by piece: the size a zip claims for it is never allocated before the bytes are there. */
#include "npz.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { CHUNK_BYTES = 1 << 18, MAX_NAME_BYTES = 256 };
#define MAX_MEMBER_BYTES (UINT64_C(1) << 32) /* a few megabytes can inflate to terabytes */

mask_status mask__npz_open(mask__npz *npz, const char *path, mask_error *err)
{
    int code;
    *npz = (mask__npz){0};
    npz->path = strdup(path);
    if (!npz->path) return mask__no_memory(err, path);
    npz->zip = zip_open(path, ZIP_RDONLY, &code);
    if (npz->zip) return MASK_OK;
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    bool unreadable = code == ZIP_ER_NOENT || code == ZIP_ER_OPEN || code == ZIP_ER_READ;
    mask_status status =
        mask__fail(err, unreadable ? MASK_EIO : MASK_EFORMAT, MASK_NO_OFFSET, "%s: cannot open as .npz: %s: %s", path,
                   zip_error_strerror(&why), unreadable ? "check the path" : "make or copy it again");
    zip_error_fini(&why);
    mask__npz_close(npz);
    return status;
}

void mask__npz_close(mask__npz *npz)
{
    if (npz->zip) zip_discard(npz->zip);
    free(npz->path);
    *npz = (mask__npz){0};
}

size_t mask__npz_count(const mask__npz *npz)
{
    zip_int64_t count = zip_get_num_entries(npz->zip, 0);
    return count > 0 ? (size_t)count : 0;
}

void mask__npz_name(const mask__npz *npz, size_t index, char *name, size_t size)
{
    const char *full = zip_get_name(npz->zip, index, ZIP_FL_ENC_RAW);
    size_t length = full ? strlen(full) : 0;
    if (length >= 4 && strcmp(full + length - 4, ".npy") == 0) length -= 4;
    snprintf(name, size, "%.*s", (int)length, full ? full : "");
}

static zip_int64_t locate(const mask__npz *npz, const char *name)
{
    char full[MAX_NAME_BYTES];
    if (snprintf(full, sizeof full, "%s.npy", name) >= (int)sizeof full) return -1;
    return zip_name_locate(npz->zip, full, ZIP_FL_ENC_RAW);
}

bool mask__npz_has(const mask__npz *npz, const char *name)
{
    return locate(npz, name) >= 0;
}

static mask_status inflate_failed(const mask__npz *npz, const char *name, const char *why, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                      "%s: member '%s' cannot be read: %s: make or copy the file again", npz->path, name, why);
}

/* All bytes of a member; reading to the end makes libzip verify the checksum. The caller frees. */
static mask_status inflate_member(const mask__npz *npz, const char *name, unsigned char **out, size_t *size,
                                  mask_error *err)
{
    zip_int64_t index = locate(npz, name), got;
    size_t capacity = 0;
    *out = NULL;
    *size = 0;
    if (index < 0)
        return mask__fail(err, MASK_ENOTFOUND, MASK_NO_OFFSET,
                          "%s: has no member '%s': list its names to see what it has", npz->path, name);
    zip_file_t *file = zip_fopen_index(npz->zip, (zip_uint64_t)index, 0);
    if (!file) return inflate_failed(npz, name, zip_strerror(npz->zip), err);
    mask_status status = MASK_OK;
    do {
        got = 0;
        if (*size > MAX_MEMBER_BYTES) {
            status = inflate_failed(npz, name, "is over 4 GiB, which belongs in an .npy", err);
        } else if (!mask__grow(out, &capacity, *size + CHUNK_BYTES, 1)) {
            status = mask__no_memory(err, npz->path);
        } else {
            got = zip_fread(file, *out + *size, CHUNK_BYTES);
            if (got < 0) status = inflate_failed(npz, name, zip_file_strerror(file), err);
            if (got > 0) *size += (size_t)got;
        }
    } while (got > 0);
    zip_fclose(file);
    if (status != MASK_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

static mask_status read_member(const mask__npz *npz, const char *name, mask__npy *npy, unsigned char **bytes,
                               mask_error *err)
{
    char place[4096];
    size_t size;
    *npy = (mask__npy){0};
    MASK__TRY(inflate_member(npz, name, bytes, &size, err));
    snprintf(place, sizeof place, "%s: member '%s'", npz->path, name);
    mask_status status = mask__npy_parse(npy, place, *bytes, size, err);
    if (status != MASK_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

#define CONVERT(type)                                                                                                  \
    for (size_t i = 0; i < npy.items; i++) {                                                                           \
        type value;                                                                                                    \
        memcpy(&value, npy.data + i * sizeof value, sizeof value);                                                     \
        out[i] = value;                                                                                                \
    }

mask_status mask__npz_doubles(const mask__npz *npz, const char *name, double **values, unsigned *ndim,
                              size_t shape[MASK__NPY_DIMS], mask_error *err)
{
    mask__npy npy;
    unsigned char *bytes;
    *values = NULL;
    MASK__TRY(read_member(npz, name, &npy, &bytes, err));
    double *out = calloc(npy.items, sizeof *out);
    if (!out) {
        free(bytes);
        return mask__no_memory(err, npz->path);
    }
    switch (npy.type) {
    case MASK__NPY_F16:
        CONVERT(_Float16) break;
    case MASK__NPY_F32:
        CONVERT(float) break;
    case MASK__NPY_F64:
        CONVERT(double) break;
    case MASK__NPY_I32:
        CONVERT(int32_t) break;
    case MASK__NPY_I64:
        CONVERT(int64_t) break;
    }
    free(bytes);
    *ndim = npy.ndim;
    memcpy(shape, npy.shape, sizeof npy.shape);
    *values = out;
    return MASK_OK;
}

mask_status mask__npz_integers(const mask__npz *npz, const char *name, int64_t **values, unsigned *ndim,
                               size_t shape[MASK__NPY_DIMS], mask_error *err)
{
    mask__npy npy;
    unsigned char *bytes;
    *values = NULL;
    MASK__TRY(read_member(npz, name, &npy, &bytes, err));
    int64_t *out = mask__npy_is_float(&npy) ? NULL : calloc(npy.items, sizeof *out);
    if (!out) {
        free(bytes);
        if (!mask__npy_is_float(&npy)) return mask__no_memory(err, npz->path);
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: member '%s' holds %s, integers are needed", npz->path,
                          name, mask__npy_type_name(npy.type));
    }
    if (npy.type == MASK__NPY_I32) CONVERT(int32_t)
    else CONVERT(int64_t)
    free(bytes);
    *ndim = npy.ndim;
    memcpy(shape, npy.shape, sizeof npy.shape);
    *values = out;
    return MASK_OK;
}
