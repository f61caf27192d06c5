/* NumPy .npz archives by libzip, stored or deflated.
 * A member is inflated piece by piece: the size a zip claims for it is never allocated before the bytes are there. */
#include "formats/npz.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { MAX_NAME_BYTES = 256, HEADER_BYTES = 4096, MOST_DEFLATED = 1100 };
#define MAX_MEMBER_BYTES (UINT64_C(1) << 32) /* a few megabytes can inflate to terabytes */

/* Opens npz->path, or frees it. */
static mask_status open_zip(mask__npz *npz, int flags, mask_error *err)
{
    int code;
    if ((npz->zip = zip_open(npz->path, flags, &code))) return MASK_OK;
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    bool damaged = flags == ZIP_RDONLY && code != ZIP_ER_NOENT && code != ZIP_ER_OPEN && code != ZIP_ER_READ;
    mask_status status =
        mask__fail(err, damaged ? MASK_EFORMAT : MASK_EIO, "%s: cannot open as .npz: %s: %s", npz->path,
                   zip_error_strerror(&why), damaged ? "make or copy it again" : "check the path");
    zip_error_fini(&why);
    mask__npz_close(npz);
    return status;
}

mask_status mask__npz_open(mask__npz *npz, const char *path, mask_error *err)
{
    *npz = (mask__npz){0};
    MASK__TRY(mask__check_regular(path, err));
    npz->path = strdup(path);
    return npz->path ? open_zip(npz, ZIP_RDONLY, err) : mask__no_memory(err, path);
}

void mask__npz_close(mask__npz *npz)
{
    if (npz->zip) zip_discard(npz->zip);
    free(npz->path);
    *npz = (mask__npz){0};
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
    return mask__fail(err, MASK_EFORMAT, "%s: member '%s' cannot be read: %s: make or copy the file again", npz->path,
                      name, why);
}

static void close_file(zip_file_t **file)
{
    if (*file) zip_fclose(*file);
}

/* Opens a member and reads its header; *rest of its bytes in `head` are numbers already. */
static mask_status open_member(const mask__npz *npz, const char *name, zip_file_t **file, mask__npy *npy,
                               unsigned char head[HEADER_BYTES], size_t *rest, mask_error *err)
{
    char place[4096];
    zip_stat_t stat;
    size_t bytes;
    zip_int64_t index = locate(npz, name);
    *npy = (mask__npy){0};
    *file = NULL;
    if (index < 0)
        return mask__fail(err, MASK_ENOTFOUND, "%s: has no member '%s': is it a file of region features?", npz->path,
                          name);
    if (zip_stat_index(npz->zip, (zip_uint64_t)index, 0, &stat) != 0 ||
        !(*file = zip_fopen_index(npz->zip, (zip_uint64_t)index, 0)))
        return inflate_failed(npz, name, zip_strerror(npz->zip), err);
    zip_int64_t got = zip_fread(*file, head, HEADER_BYTES);
    if (got < 0) return inflate_failed(npz, name, zip_file_strerror(*file), err);
    snprintf(place, sizeof place, "%s: member '%s'", npz->path, name);
    MASK__TRY(mask__npy_parse_header(npy, place, head, (size_t)got, &bytes, err));
    *rest = (size_t)got - npy->data_offset;
    if (bytes > MAX_MEMBER_BYTES || stat.size != npy->data_offset + bytes || stat.size / MOST_DEFLATED > stat.comp_size)
        return inflate_failed(npz, name, "its sizes contradict each other", err);
    return MASK_OK;
}

mask_status mask__npz_describe(const mask__npz *npz, const char *name, mask__npy *npy, mask_error *err)
{
    unsigned char head[HEADER_BYTES];
    MASK__CLOSED(close_file) zip_file_t *file = NULL;
    size_t rest = 0;
    return open_member(npz, name, &file, npy, head, &rest, err);
}

/* Fills out with `size` bytes, of which the first `rest` are in head already, and reads to the end, which makes libzip
 * verify the checksum. */
static mask_status read_rest(const mask__npz *npz, const char *name, zip_file_t *file, const unsigned char *head,
                             size_t rest, unsigned char *out, size_t size, mask_error *err)
{
    unsigned char beyond;
    if (rest > size) return inflate_failed(npz, name, "it is longer than its header says", err);
    memcpy(out, head, rest);
    while (rest < size) {
        zip_int64_t got = zip_fread(file, out + rest, size - rest);
        if (got < 0) return inflate_failed(npz, name, zip_file_strerror(file), err);
        if (got == 0) return inflate_failed(npz, name, "it ends early", err);
        rest += (size_t)got;
    }
    zip_int64_t more = zip_fread(file, &beyond, 1);
    if (more == 0) return MASK_OK;
    return inflate_failed(npz, name, more < 0 ? zip_file_strerror(file) : "it is longer than its header says", err);
}

/* The numbers of a member as they lie in the file, into *raw: the caller's `out` where it is not NULL and they are of
 * `type`, else memory that is to be freed. items 0 = as many as there are. */
static mask_status read_member(const mask__npz *npz, const char *name, size_t items, mask__npy_type type, void *out,
                               mask__npy *npy, unsigned char **raw, mask_error *err)
{
    unsigned char head[HEADER_BYTES];
    MASK__CLOSED(close_file) zip_file_t *file = NULL;
    size_t rest = 0;
    MASK__TRY(open_member(npz, name, &file, npy, head, &rest, err));
    if (items && npy->items != items) return inflate_failed(npz, name, "it has changed since it was opened", err);
    size_t bytes = npy->items * npy->item_bytes;
    npy->data = *raw = out && npy->type == type ? out : malloc(bytes);
    if (!*raw) return mask__no_memory(err, npz->path);
    mask_status status = read_rest(npz, name, file, head + npy->data_offset, rest, *raw, bytes, err);
    if (status != MASK_OK && *raw != out) free(*raw);
    return status;
}

mask_status mask__npz_floats(const mask__npz *npz, const char *name, size_t items, float *out, mask_error *err)
{
    mask__npy npy;
    unsigned char *raw;
    MASK__TRY(read_member(npz, name, items, MASK__NPY_F32, out, &npy, &raw, err));
    if (raw == (unsigned char *)out) return MASK_OK;
    mask__npy_floats(&npy, 0, items, out);
    free(raw);
    return MASK_OK;
}

mask_status mask__npz_integer(const mask__npz *npz, const char *name, int64_t *value, mask_error *err)
{
    mask__npy npy;
    unsigned char *raw;
    int32_t small;
    *value = -1;
    if (!mask__npz_has(npz, name)) return MASK_OK;
    MASK__TRY(read_member(npz, name, 0, MASK__NPY_F32, NULL, &npy, &raw, err));
    bool integers = !mask__npy_is_float(&npy);
    if (npy.type == MASK__NPY_I32) memcpy(&small, raw, sizeof small), *value = small;
    else if (integers) memcpy(value, raw, sizeof *value);
    free(raw);
    if (integers) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, "%s: member '%s' holds %s, integers are needed", npz->path, name,
                      mask__npy_type_name(npy.type));
}

static mask_status not_written(const mask__npz *npz, mask_error *err)
{
    return mask__fail(err, MASK_EIO, "%s: cannot write: %s", npz->path, zip_strerror(npz->zip));
}

mask_status mask__npz_create(mask__npz *npz, const char *path, mask_error *err)
{
    *npz = (mask__npz){0};
    MASK__TRY(mask__output_target(&npz->path, path, err));
    return open_zip(npz, ZIP_CREATE | ZIP_TRUNCATE, err);
}

mask_status mask__npz_add(mask__npz *npz, const char *name, mask__npy_type type, unsigned ndim, const size_t *shape,
                          const void *values, mask_error *err)
{
    char header[MASK__NPY_HEADER], full[MAX_NAME_BYTES];
    size_t length = mask__npy_header(header, sizeof header, type, ndim, shape), bytes = mask__npy_item_bytes(type);
    for (unsigned d = 0; d < ndim; d++) bytes *= shape[d];
    char *copy = malloc(length + bytes);
    if (!copy) return mask__no_memory(err, npz->path);
    memcpy(copy, header, length);
    memcpy(copy + length, values, bytes);
    zip_source_t *source = zip_source_buffer(npz->zip, copy, length + bytes, 1);
    if (!source) {
        free(copy);
        return not_written(npz, err);
    }
    snprintf(full, sizeof full, "%s.npy", name);
    zip_int64_t index = zip_file_add(npz->zip, full, source, 0);
    if (index < 0) {
        zip_source_free(source);
        return not_written(npz, err);
    }
    enum { FIRST_OF_1980 = 1 << 5 | 1 }; /* the same bytes whenever it is written */
    if (zip_set_file_compression(npz->zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(npz->zip, (zip_uint64_t)index, 0, FIRST_OF_1980, 0) != 0)
        return not_written(npz, err);
    return MASK_OK;
}

mask_status mask__npz_commit(mask__npz *npz, mask_error *err)
{
    mask_status status = zip_close(npz->zip) == 0 ? MASK_OK : not_written(npz, err);
    if (status == MASK_OK) npz->zip = NULL;
    mask__npz_close(npz);
    return status;
}
