/* NumPy .npy arrays: reads the header strictly, maps the data, and writes arrays in pieces.
 *
 * The header is a Python dictionary in ASCII. It is parsed by hand: exactly the keys descr, fortran_order and shape, in
 * any order, once each. Everything we do not read is refused with the line of Python that saves it again. */
#include "formats/npy.h"
#include "base/memory.h"
#include "math/half.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are used as they lie in the file");

enum { PREFIX_BYTES = 10, ALIGNMENT = 64, MAX_HEADER_BYTES = 1 << 16 };

#define RESAVE "save it again with np.save(f, np.asarray(x, dtype=np.float32))"

static const struct {
    const char *code, *name;
    size_t bytes;
} types[] = {
    [MASK__NPY_F16] = {"f2", "float16", 2}, [MASK__NPY_F32] = {"f4", "float32", 4},
    [MASK__NPY_F64] = {"f8", "float64", 8}, [MASK__NPY_I32] = {"i4", "int32", 4},
    [MASK__NPY_I64] = {"i8", "int64", 8},
};

/* The header's text while it is parsed. */
typedef struct reader {
    mask__npy *npy;
    const char *name, *text;
    size_t at, end;     /* of text */
    size_t text_offset; /* of text in the file */
    unsigned seen;      /* keys, a bit each */
    bool fortran;
    mask_error *err;
} reader;

static mask_status bad_header(const reader *r, const char *what)
{
    unsigned long long offset = r->text_offset + r->at;
    return mask__fail_at(r->err, MASK_EFORMAT, offset, "%s: byte %llu: the .npy header %s: " RESAVE, r->name, offset,
                         what);
}

static void skip_space(reader *r)
{
    while (r->at < r->end && (r->text[r->at] == ' ' || r->text[r->at] == '\n' || r->text[r->at] == '\t')) r->at++;
}

/* Skips white space, then takes the character if it is the next one. */
static bool take(reader *r, char c)
{
    skip_space(r);
    if (r->at >= r->end || r->text[r->at] != c) return false;
    r->at++;
    return true;
}

/* A quoted string without escapes, as NumPy writes them. */
static bool take_string(reader *r, const char **text, size_t *length)
{
    skip_space(r);
    if (r->at >= r->end || (r->text[r->at] != '\'' && r->text[r->at] != '"')) return false;
    const char *from = r->text + r->at + 1, *to = memchr(from, r->text[r->at], r->end - r->at - 1);
    if (!to) return false;
    *text = from;
    *length = (size_t)(to - from);
    r->at = (size_t)(to - r->text) + 1;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    size_t length = strlen(word);
    skip_space(r);
    if (r->end - r->at < length || memcmp(r->text + r->at, word, length) != 0) return false;
    r->at += length;
    return true;
}

static mask_status read_descr(reader *r)
{
    const char *code;
    size_t length;
    unsigned long long offset = r->text_offset + r->at;
    if (!take_string(r, &code, &length)) return bad_header(r, "describes records, not numbers of one type");
    size_t order = length > 0 && (code[0] == '<' || code[0] == '='); /* "=", or none, is the native order */
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (length == order + 2 && memcmp(code + order, types[i].code, 2) == 0) {
            r->npy->type = (mask__npy_type)i;
            r->npy->item_bytes = types[i].bytes;
            return MASK_OK;
        }
    if ((length >= 2 && memcmp(code, "|O", 2) == 0) || (length > 0 && code[0] == 'O'))
        return mask__fail_at(r->err, MASK_EFORMAT, offset,
                             "%s: byte %llu: holds pickled Python objects, which are never loaded: " RESAVE, r->name,
                             offset);
    if (length > 0 && code[0] == '>')
        return mask__fail_at(r->err, MASK_EFORMAT, offset,
                             "%s: byte %llu: the numbers are big-endian ('%.*s'): " RESAVE, r->name, offset,
                             (int)(length < 16 ? length : 16), code);
    return mask__fail_at(r->err, MASK_EFORMAT, offset,
                         "%s: byte %llu: type '%.*s' is not float16, 32, 64 or int32, 64: " RESAVE, r->name, offset,
                         (int)(length < 16 ? length : 16), code);
}

static mask_status read_order(reader *r)
{
    r->fortran = take_word(r, "True");
    return r->fortran || take_word(r, "False") ? MASK_OK
                                               : bad_header(r, "has a fortran_order other than True or False");
}

static mask_status read_shape(reader *r)
{
    if (!take(r, '(')) return bad_header(r, "has a shape that is not a tuple");
    bool comma = true;
    while (!take(r, ')')) {
        size_t value = 0, digits = 0;
        if (!comma) return bad_header(r, "has a shape that is not a tuple of numbers");
        if (r->npy->ndim == MASK__NPY_DIMS) return bad_header(r, "has more than 4 dimensions");
        for (; r->at < r->end && r->text[r->at] >= '0' && r->text[r->at] <= '9'; r->at++, digits++)
            if (!mask__multiply(value, 10, &value) || __builtin_add_overflow(value, r->text[r->at] - '0', &value))
                return bad_header(r, "has a shape too large for this machine");
        if (!digits) return bad_header(r, "has a shape that is not a tuple of numbers");
        if (value == 0) return bad_header(r, "has a dimension of zero: the array is empty");
        if (r->at < r->end && r->text[r->at] == 'L') r->at++; /* Python 2 wrote long integers so */
        r->npy->shape[r->npy->ndim++] = value;
        comma = take(r, ',');
    }
    return MASK_OK;
}

static mask_status read_item(reader *r)
{
    static const struct {
        const char *key;
        mask_status (*read)(reader *);
    } keys[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
    const char *key;
    size_t length;
    if (!take_string(r, &key, &length)) return bad_header(r, "is not a Python dictionary");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (length != strlen(keys[i].key) || memcmp(key, keys[i].key, length) != 0) continue;
        if (r->seen & 1u << i) return bad_header(r, "repeats a key");
        r->seen |= 1u << i;
        if (!take(r, ':')) return bad_header(r, "is not a Python dictionary");
        skip_space(r);
        return keys[i].read(r);
    }
    return bad_header(r, "has a key other than descr, fortran_order and shape");
}

static mask_status read_dictionary(reader *r)
{
    bool comma = true;
    if (!take(r, '{')) return bad_header(r, "is not a Python dictionary");
    while (!take(r, '}')) {
        if (!comma) return bad_header(r, "is not a Python dictionary");
        MASK__TRY(read_item(r));
        comma = take(r, ',');
    }
    skip_space(r);
    if (r->at != r->end) return bad_header(r, "goes on after its dictionary");
    if (r->seen != 1 + 2 + 4) return bad_header(r, "lacks one of descr, fortran_order and shape");
    if (r->fortran && r->npy->ndim > 1)
        return mask__fail_at(r->err, MASK_EFORMAT, r->text_offset,
                             "%s: byte %zu: the array is in Fortran order: save it again with "
                             "np.save(f, np.ascontiguousarray(x, dtype=np.float32))",
                             r->name, r->text_offset);
    return MASK_OK;
}

/* Magic, version and the header's extent. */
static mask_status find_header(reader *r, const unsigned char *data, size_t size)
{
    size_t length, prefix = PREFIX_BYTES;
    if (size < PREFIX_BYTES || memcmp(data, "\x93NUMPY", 6) != 0)
        return mask__fail_at(r->err, MASK_EFORMAT, 0, "%s: byte 0: is not a .npy array: " RESAVE, r->name);
    if (data[6] < 1 || data[6] > 3 || data[7] != 0)
        return mask__fail_at(r->err, MASK_EFORMAT, 6,
                             "%s: byte 6: .npy format %d.%d, this program reads 1.0 to 3.0: " RESAVE, r->name, data[6],
                             data[7]);
    length = data[8] | (size_t)data[9] << 8;
    if (data[6] > 1) {
        prefix += 2;
        if (size < prefix)
            return mask__fail_at(r->err, MASK_EFORMAT, size, "%s: byte %zu: the file ends in its header: copy it again",
                                 r->name, size);
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    }
    if (length > MAX_HEADER_BYTES)
        return mask__fail_at(r->err, MASK_EFORMAT, 8,
                             "%s: byte 8: a header of %zu bytes is no array of numbers: " RESAVE, r->name, length);
    if (length > size - prefix)
        return mask__fail_at(r->err, MASK_EFORMAT, size, "%s: byte %zu: the file ends in its header: copy it again",
                             r->name, size);
    r->text = (const char *)data + prefix;
    r->text_offset = prefix;
    r->end = length;
    return MASK_OK;
}

mask_status mask__npy_parse_header(mask__npy *npy, const char *name, const unsigned char *data, size_t size,
                                   size_t *bytes, mask_error *err)
{
    reader r = {.npy = npy, .name = name, .err = err};
    npy->ndim = 0;
    MASK__TRY(find_header(&r, data, size));
    MASK__TRY(read_dictionary(&r));
    npy->items = 1;
    for (unsigned d = 0; d < npy->ndim; d++)
        if (!mask__multiply(npy->items, npy->shape[d], &npy->items))
            return bad_header(&r, "has a shape too large for this machine");
    if (!mask__multiply(npy->items, npy->item_bytes, bytes))
        return bad_header(&r, "has a shape too large for this machine");
    npy->data_offset = r.text_offset + r.end;
    return MASK_OK;
}

mask_status mask__npy_parse(mask__npy *npy, const char *name, const unsigned char *data, size_t size, mask_error *err)
{
    size_t bytes;
    MASK__TRY(mask__npy_parse_header(npy, name, data, size, &bytes, err));
    npy->data = data + npy->data_offset;
    if (bytes != size - npy->data_offset)
        return mask__fail_at(
            err, MASK_EFORMAT, size,
            "%s: byte %zu: the header promises %zu bytes of numbers, the file holds %zu: it was cut or "
            "overwritten, copy or make it again",
            name, size, bytes, size - npy->data_offset);
    return MASK_OK;
}

mask_status mask__npy_open(mask__npy *npy, const char *path, mask_error *err)
{
    *npy = (mask__npy){0};
    mask_status status = mask__map_open(&npy->map, path, err);
    if (status == MASK_OK && !(npy->path = strdup(path))) status = mask__no_memory(err, path);
    if (status == MASK_OK) status = mask__npy_parse(npy, npy->path, npy->map.data, npy->map.size, err);
    if (status != MASK_OK) mask__npy_close(npy);
    return status;
}

void mask__npy_close(mask__npy *npy)
{
    mask__map_close(&npy->map);
    free(npy->path);
    *npy = (mask__npy){0};
}

/* memcpy of each item, since the data may be unaligned; compilers turn it into plain loads. */
#define CONVERT(type, to_float)                                                                                        \
    for (size_t i = 0; i < count; i++) {                                                                               \
        type value;                                                                                                    \
        memcpy(&value, from + i * sizeof value, sizeof value);                                                         \
        out[i] = to_float(value);                                                                                      \
    }

void mask__npy_floats(const mask__npy *npy, size_t first, size_t count, float *out)
{
    const unsigned char *from = npy->data + first * npy->item_bytes;
    switch (npy->type) {
    case MASK__NPY_F16:
        if ((uintptr_t)from % _Alignof(uint16_t) == 0)
            mask__half_to_float((const uint16_t *)(const void *)from, out, count);
        else CONVERT(uint16_t, mask__half)
        break;
    case MASK__NPY_F32:
        memcpy(out, from, count * sizeof *out);
        break;
    case MASK__NPY_F64:
        CONVERT(double, (float)) break;
    case MASK__NPY_I32:
        CONVERT(int32_t, (float)) break;
    case MASK__NPY_I64:
        CONVERT(int64_t, (float)) break;
    }
}

const float *mask__npy_direct(const mask__npy *npy, size_t first)
{
    const unsigned char *from = npy->data + first * npy->item_bytes;
    if (npy->type != MASK__NPY_F32 || (uintptr_t)from % _Alignof(float) != 0) return NULL;
    return (const float *)(const void *)from;
}

void mask__npy_forget(const mask__npy *npy, size_t first, size_t count)
{
    mask__map_forget(&npy->map, npy->data_offset + first * npy->item_bytes, count * npy->item_bytes);
}

bool mask__npy_is_float(const mask__npy *npy)
{
    return npy->type == MASK__NPY_F16 || npy->type == MASK__NPY_F32 || npy->type == MASK__NPY_F64;
}

size_t mask__npy_item_bytes(mask__npy_type type)
{
    return types[type].bytes;
}

const char *mask__npy_type_name(mask__npy_type type)
{
    return types[type].name;
}

/* Version 1.0, padded with spaces so that the data starts at a multiple of ALIGNMENT. */
size_t mask__npy_header(char *out, size_t room, mask__npy_type type, unsigned ndim, const size_t *shape)
{
    int used = snprintf(out + PREFIX_BYTES, room - PREFIX_BYTES, "{'descr': '<%s', 'fortran_order': False, 'shape': (",
                        types[type].code);
    size_t at = PREFIX_BYTES + (size_t)used;
    for (unsigned d = 0; d < ndim; d++) at += (size_t)snprintf(out + at, room - at, d ? ", %zu" : "%zu", shape[d]);
    at += (size_t)snprintf(out + at, room - at, ndim == 1 ? ",), }" : "), }");
    size_t total = (at + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(out + at, ' ', total - at);
    out[total - 1] = '\n';
    size_t length = total - PREFIX_BYTES;
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    memcpy(out, magic, sizeof magic);
    out[8] = (char)(length & 0xff);
    out[9] = (char)(length >> 8);
    return total;
}

mask_status mask__npy_create(mask__npy_writer *writer, const char *path, mask__npy_type type, unsigned ndim,
                             const size_t *shape, mask_error *err)
{
    char header[MASK__NPY_HEADER];
    *writer = (mask__npy_writer){.type = type, .expected_bytes = types[type].bytes};
    if ((type != MASK__NPY_F16 && type != MASK__NPY_F32) || ndim > MASK__NPY_DIMS)
        return mask__fail(err, MASK_EINVAL, "%s: only float16 and float32 of up to 4 dimensions is written", path);
    for (unsigned d = 0; d < ndim; d++)
        if (!mask__multiply(writer->expected_bytes, shape[d], &writer->expected_bytes))
            return mask__fail(err, MASK_EINVAL, "%s: the array to write is too large", path);
    writer->header_bytes = mask__npy_header(header, sizeof header, type, ndim, shape);
    MASK__TRY(mask__writer_open(&writer->file, path, err));
    mask_status status = mask__writer_put(&writer->file, header, writer->header_bytes, err);
    if (status != MASK_OK) mask__npy_abort(writer);
    return status;
}

mask_status mask__npy_append(mask__npy_writer *writer, const float *values, size_t count, mask_error *err)
{
    uint16_t halves[4096];
    size_t chunk = sizeof halves / sizeof *halves;
    if (writer->type == MASK__NPY_F32) return mask__writer_put(&writer->file, values, count * sizeof *values, err);
    for (size_t at = 0; at < count; at += chunk) {
        size_t part = count - at < chunk ? count - at : chunk;
        mask__float_to_half(values + at, halves, part);
        MASK__TRY(mask__writer_put(&writer->file, halves, part * sizeof *halves, err));
    }
    return MASK_OK;
}

mask_status mask__npy_sync(mask__npy_writer *writer, mask_error *err)
{
    uint64_t bytes = writer->file.offset - writer->header_bytes;
    if (bytes == writer->expected_bytes) return mask__writer_sync(&writer->file, err);
    return mask__fail_at(err, MASK_EINVAL, writer->file.offset,
                         "%s: %llu bytes of numbers were appended, the shape needs %zu", writer->file.path,
                         (unsigned long long)bytes, writer->expected_bytes);
}

mask_status mask__npy_commit(mask__npy_writer *writer, mask_error *err)
{
    mask_status status = mask__npy_sync(writer, err);
    if (status == MASK_OK) status = mask__writer_commit(&writer->file, err);
    mask__npy_abort(writer);
    return status;
}

void mask__npy_abort(mask__npy_writer *writer)
{
    mask__writer_abort(&writer->file);
}
