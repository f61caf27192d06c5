#include "base/pack.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ALIGNMENT = 64, MAX_TENSORS = 4096 };

typedef struct header {
    char magic[MASK__MAGIC_BYTES];
    uint32_t version, byte_order; /* BYTE_ORDER as the writer's machine stores it */
    uint64_t file_bytes, table_offset, table_count, table_checksum;
    uint64_t reserved;
    uint64_t header_checksum; /* of the bytes before it */
} header;
_Static_assert(sizeof(header) == 64, "the header is part of the format");

typedef struct entry {
    char name[MASK__NAME_BYTES];
    uint32_t dtype, ndim;
    uint64_t shape[MASK__DIMS];
    uint64_t offset, bytes, checksum;
} entry;
_Static_assert(sizeof(entry) == 112, "the table is part of the format");

static const uint32_t byte_order_mark = 0x04030201;

static const size_t item_bytes[MASK__DTYPE_END] = {
    [MASK__U8] = 1,  [MASK__F16] = 2, [MASK__F32] = 4, [MASK__F64] = 8,
    [MASK__I32] = 4, [MASK__U32] = 4, [MASK__U64] = 8,
};

/* Bytes of a tensor of this shape; false when they overflow. */
static bool tensor_bytes(mask__dtype dtype, unsigned ndim, const uint64_t *shape, uint64_t *bytes)
{
    *bytes = item_bytes[dtype];
    for (unsigned d = 0; d < ndim; d++)
        if (__builtin_mul_overflow(*bytes, shape[d], bytes)) return false;
    return true;
}

static mask_status damaged(const mask__pack *pack, uint64_t offset, const char *what, mask_error *err)
{
    return mask__fail_at(err, MASK_EFORMAT, offset,
                         "%s: byte %llu: %s: the file is cut or damaged, make or copy it again", pack->path,
                         (unsigned long long)offset, what);
}

static mask_status read_entry(const mask__pack *pack, const entry *from, uint64_t at, uint64_t table_offset,
                              mask__tensor *to, mask_error *err)
{
    uint64_t bytes, end;
    if (!memchr(from->name, '\0', sizeof from->name)) return damaged(pack, at, "a tensor name has no end", err);
    if (from->dtype == 0 || from->dtype >= MASK__DTYPE_END || from->ndim > MASK__DIMS)
        return damaged(pack, at, "a tensor has an unknown type", err);
    if (!tensor_bytes((mask__dtype)from->dtype, from->ndim, from->shape, &bytes) || bytes != from->bytes ||
        from->offset % ALIGNMENT != 0 || __builtin_add_overflow(from->offset, bytes, &end) || end > table_offset)
        return damaged(pack, at, "a tensor does not fit the file", err);
    memcpy(to->name, from->name, sizeof to->name);
    memcpy(to->shape, from->shape, sizeof to->shape);
    to->dtype = (mask__dtype)from->dtype;
    to->ndim = from->ndim;
    to->offset = from->offset;
    to->bytes = bytes;
    to->checksum = from->checksum;
    to->data = pack->map.data + from->offset;
    return MASK_OK;
}

static mask_status read_table(mask__pack *pack, const char *magic, uint32_t max_version, mask_error *err)
{
    header h;
    uint64_t table_bytes, end;
    if (pack->map.size < sizeof h || memcmp(pack->map.data, magic, MASK__MAGIC_BYTES) != 0)
        return mask__fail_at(err, MASK_EFORMAT, 0, "%s: byte 0: is not a %.8s file", pack->path, magic);
    memcpy(&h, pack->map.data, sizeof h);
    if (h.byte_order != byte_order_mark || XXH3_64bits(&h, offsetof(header, header_checksum)) != h.header_checksum)
        return damaged(pack, 0, "the header's checksum is wrong", err);
    if (h.version > max_version)
        return mask__fail_at(err, MASK_EFORMAT, 8,
                             "%s: byte 8: format version %u, this program reads up to %u: update mask", pack->path,
                             h.version, max_version);
    if (h.file_bytes != pack->map.size) return damaged(pack, pack->map.size, "the length is not the header's", err);
    if (h.table_count > MAX_TENSORS || h.table_offset % 8 != 0 || h.table_offset > pack->map.size)
        return damaged(pack, offsetof(header, table_offset), "the tensor table is outside the file", err);
    table_bytes = h.table_count * sizeof(entry);
    if (__builtin_add_overflow(h.table_offset, table_bytes, &end) || end != pack->map.size)
        return damaged(pack, offsetof(header, table_offset), "the tensor table is outside the file", err);
    const unsigned char *table = pack->map.data + h.table_offset;
    if (XXH3_64bits(table, table_bytes) != h.table_checksum)
        return damaged(pack, h.table_offset, "the tensor table's checksum is wrong", err);
    pack->version = h.version;
    pack->tensors = calloc(h.table_count + 1, sizeof *pack->tensors);
    if (!pack->tensors) return mask__no_memory(err, pack->path);
    for (size_t i = 0; i < h.table_count; i++) {
        entry e;
        memcpy(&e, table + i * sizeof e, sizeof e);
        MASK__TRY(read_entry(pack, &e, h.table_offset + i * sizeof e, h.table_offset, &pack->tensors[i], err));
        pack->count++;
    }
    return MASK_OK;
}

mask_status mask__pack_open(mask__pack *pack, const char *path, const char *magic, uint32_t max_version,
                            mask__verify verify, mask_error *err)
{
    *pack = (mask__pack){0};
    mask_status status = mask__map_open(&pack->map, path, err);
    if (status == MASK_OK && !(pack->path = strdup(path))) status = mask__no_memory(err, path);
    if (status == MASK_OK) status = read_table(pack, magic, max_version, err);
    if (status == MASK_OK && verify == MASK__VERIFY_DATA) status = mask__pack_verify(pack, err);
    if (status != MASK_OK) mask__pack_close(pack);
    return status;
}

mask_status mask__pack_verify(const mask__pack *pack, mask_error *err)
{
    for (size_t i = 0; i < pack->count; i++) {
        const mask__tensor *t = &pack->tensors[i];
        if (XXH3_64bits(t->data, t->bytes) == t->checksum) continue;
        return mask__fail_at(err, MASK_EFORMAT, t->offset,
                             "%s: byte %llu: the checksum of '%s' is wrong: the file is damaged, make or copy it again",
                             pack->path, (unsigned long long)t->offset, t->name);
    }
    return MASK_OK;
}

mask_status mask__pack_data(const mask__pack *pack, const char *name, mask__dtype dtype, size_t *rows, size_t columns,
                            const void *data_pointer, mask_error *err)
{
    const mask__tensor *t;
    uint64_t shape[] = {*rows == MASK__ANY ? 0 : *rows, columns};
    MASK__TRY(mask__pack_get(pack, name, dtype, columns ? 2 : 1, shape, &t, err));
    if (*rows == 0 && t->shape[0] != 0) /* which was any to mask__pack_get */
        return mask__fail_at(err, MASK_EFORMAT, t->offset,
                             "%s: byte %llu: '%s' has another shape than the rest of its file", pack->path,
                             (unsigned long long)t->offset, name);
    *rows = t->shape[0];
    memcpy((void *)data_pointer, &t->data, sizeof t->data); /* a pointer of any type */
    return MASK_OK;
}

void mask__pack_close(mask__pack *pack)
{
    mask__map_close(&pack->map);
    free(pack->path);
    free(pack->tensors);
    *pack = (mask__pack){0};
}

const mask__tensor *mask__pack_find(const mask__pack *pack, const char *name)
{
    for (size_t i = 0; i < pack->count; i++)
        if (strcmp(pack->tensors[i].name, name) == 0) return &pack->tensors[i];
    return NULL;
}

mask_status mask__pack_get(const mask__pack *pack, const char *name, mask__dtype dtype, unsigned ndim,
                           const uint64_t *shape, const mask__tensor **out, mask_error *err)
{
    const mask__tensor *t = *out = mask__pack_find(pack, name);
    if (!t)
        return mask__fail_at(err, MASK_EFORMAT, 0, "%s: holds no '%s': make it again with this version", pack->path,
                             name);
    bool fits = t->dtype == dtype && t->ndim == ndim;
    for (unsigned d = 0; fits && d < ndim; d++) fits = shape[d] == 0 || shape[d] == t->shape[d];
    if (fits) return MASK_OK;
    *out = NULL;
    return mask__fail_at(err, MASK_EFORMAT, t->offset,
                         "%s: byte %llu: '%s' has another type or shape than its file says", pack->path,
                         (unsigned long long)t->offset, name);
}

struct mask__pack_writer {
    mask__writer file;
    char magic[MASK__MAGIC_BYTES];
    uint32_t version;
    entry *entries;
    size_t count, capacity;
    XXH3_state_t *hash; /* of the tensor being written */
};

mask_status mask__pack_create(mask__pack_writer **out, const char *path, const char *magic, uint32_t version,
                              mask_error *err)
{
    static const header empty;
    *out = NULL;
    mask__pack_writer *w = calloc(1, sizeof *w);
    if (!w || !(w->hash = XXH3_createState())) {
        free(w);
        return mask__no_memory(err, path);
    }
    memcpy(w->magic, magic, sizeof w->magic);
    w->version = version;
    mask_status status = mask__writer_open(&w->file, path, err);
    if (status == MASK_OK) status = mask__writer_put(&w->file, &empty, sizeof empty, err);
    if (status != MASK_OK) mask__pack_abort(w);
    else *out = w;
    return status;
}

static mask_status align(mask__pack_writer *w, mask_error *err)
{
    static const char zeros[ALIGNMENT];
    return mask__writer_put(&w->file, zeros, (ALIGNMENT - w->file.offset % ALIGNMENT) % ALIGNMENT, err);
}

mask_status mask__pack_put(mask__pack_writer *w, const char *name, mask__dtype dtype, size_t rows, size_t columns,
                           const void *data, mask_error *err)
{
    const uint64_t shape[] = {rows, columns};
    return data ? mask__pack_add(w, name, dtype, columns ? 2 : 1, shape, data, err) : MASK_OK;
}

mask_status mask__pack_begin(mask__pack_writer *w, const char *name, mask__dtype dtype, mask_error *err)
{
    if (!mask__grow(&w->entries, &w->capacity, w->count + 1, sizeof *w->entries)) return mask__no_memory(err, name);
    MASK__TRY(align(w, err));
    entry *e = &w->entries[w->count];
    memset(e, 0, sizeof *e);
    snprintf(e->name, sizeof e->name, "%s", name);
    e->dtype = dtype;
    e->offset = w->file.offset;
    XXH3_64bits_reset(w->hash);
    return MASK_OK;
}

mask_status mask__pack_append(mask__pack_writer *w, const void *data, size_t bytes, mask_error *err)
{
    XXH3_64bits_update(w->hash, data, bytes);
    return mask__writer_put(&w->file, data, bytes, err);
}

mask_status mask__pack_end(mask__pack_writer *w, unsigned ndim, const uint64_t *shape, mask_error *err)
{
    entry *e = &w->entries[w->count];
    e->ndim = ndim;
    memcpy(e->shape, shape, ndim * sizeof *shape);
    e->bytes = w->file.offset - e->offset;
    e->checksum = XXH3_64bits_digest(w->hash);
    uint64_t expected;
    if (!tensor_bytes((mask__dtype)e->dtype, ndim, shape, &expected) || expected != e->bytes)
        return mask__fail_at(err, MASK_EINVAL, e->offset, "%s: '%s' was written with another size than its shape",
                             w->file.path, e->name);
    w->count++;
    return MASK_OK;
}

mask_status mask__pack_add(mask__pack_writer *w, const char *name, mask__dtype dtype, unsigned ndim,
                           const uint64_t *shape, const void *data, mask_error *err)
{
    uint64_t bytes;
    if (!tensor_bytes(dtype, ndim, shape, &bytes))
        return mask__fail(err, MASK_EINVAL, "%s: '%s' is too large", w->file.path, name);
    MASK__TRY(mask__pack_begin(w, name, dtype, err));
    MASK__TRY(mask__pack_append(w, data, bytes, err));
    return mask__pack_end(w, ndim, shape, err);
}

mask_status mask__pack_commit(mask__pack_writer *w, mask_status status, mask_error *err)
{
    if (status == MASK_OK) status = align(w, err);
    header h = {.version = w->version, .byte_order = byte_order_mark, .table_offset = w->file.offset};
    size_t table_bytes = w->count * sizeof *w->entries;
    memcpy(h.magic, w->magic, sizeof h.magic);
    h.file_bytes = h.table_offset + table_bytes;
    h.table_count = w->count;
    h.table_checksum = XXH3_64bits(w->entries, table_bytes);
    h.header_checksum = XXH3_64bits(&h, offsetof(header, header_checksum));
    if (status == MASK_OK) status = mask__writer_put(&w->file, w->entries, table_bytes, err);
    if (status == MASK_OK) status = mask__writer_patch(&w->file, 0, &h, sizeof h, err);
    if (status == MASK_OK) status = mask__writer_commit(&w->file, err);
    mask__pack_abort(w);
    return status;
}

void mask__pack_abort(mask__pack_writer *w)
{
    if (!w) return;
    mask__writer_abort(&w->file);
    XXH3_freeState(w->hash);
    free(w->entries);
    free(w);
}
