#include "base/json.h"
#include "base/decimal.h"
#include "base/lines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

enum { CHUNK_BYTES = 1 << 16, VALUE_BYTES = 1 << 20, MAX_DEPTH = 64 };

struct mask__json {
    char *path;
    yajl_handle yajl;
    mask__json_visit visit;
    void *context;
    int depth;
    bool stopped;
    uint64_t chunk_offset;
    size_t quiet_bytes; /* since the last event, at the end of a chunk */
    mask_status status; /* why a visitor stopped */
    mask_error *err;
    unsigned char *chunk;
};

bool mask__json_is(const mask__json_event *event, const char *word)
{
    return event->length == strlen(word) && memcmp(event->text, word, event->length) == 0;
}

bool mask__json_number(const mask__json_event *event, double *value)
{
    return event->kind == MASK__JSON_NUMBER && mask__decimal_double(event->text, event->length, value);
}

bool mask__json_whole(const mask__json_event *event, int64_t *value)
{
    double number;
    if (!mask__json_number(event, &number) || fabs(number) > 0x1p53 || number != floor(number)) return false;
    *value = (int64_t)number;
    return true;
}

uint64_t mask__json_offset(const mask__json *json)
{
    return json->chunk_offset + yajl_get_bytes_consumed(json->yajl);
}

mask_status mask__json_fail(const mask__json *json, mask_error *err, const char *format, ...)
{
    char what[384];
    va_list list;
    uint64_t offset = mask__json_offset(json);
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    return mask__fail_at(err, MASK_EFORMAT, offset, "%s: byte %llu: %s", json->path, (unsigned long long)offset, what);
}

void mask__json_stop(mask__json *json)
{
    json->stopped = true;
}

bool mask__json_stopped(const mask__json *json)
{
    return json->stopped;
}

static int send(mask__json *json, mask__json_kind kind, const void *text, size_t length)
{
    mask__json_event event = {.kind = kind, .depth = json->depth, .text = text, .length = length};
    json->quiet_bytes = 0;
    /* yajl lets surrogates pass. */
    if ((kind == MASK__JSON_STRING || kind == MASK__JSON_KEY) && mask__utf8_valid(text, length) < length)
        json->status = mask__json_fail(json, json->err, "a text is not UTF-8");
    else json->status = json->visit(json->context, json, &event, json->err);
    return json->status == MASK_OK && !json->stopped;
}

static int on_null(void *json)
{
    return send(json, MASK__JSON_NULL, "", 0);
}

static int on_boolean(void *json, int value)
{
    return send(json, MASK__JSON_BOOLEAN, value ? "1" : "", value ? 1 : 0);
}

static int on_number(void *json, const char *text, size_t length)
{
    return send(json, MASK__JSON_NUMBER, text, length);
}

static int on_string(void *json, const unsigned char *text, size_t length)
{
    return send(json, MASK__JSON_STRING, text, length);
}

static int on_key(void *json, const unsigned char *text, size_t length)
{
    return send(json, MASK__JSON_KEY, text, length);
}

static int begin(mask__json *json, mask__json_kind kind)
{
    if (json->depth == MAX_DEPTH) {
        json->status = mask__json_fail(json, json->err, "nested deeper than %d: not a file of this kind", MAX_DEPTH);
        return 0;
    }
    int go_on = send(json, kind, "", 0);
    json->depth++;
    return go_on;
}

static int end(mask__json *json, mask__json_kind kind)
{
    json->depth--;
    return send(json, kind, "", 0);
}

static int on_map(void *json)
{
    return begin(json, MASK__JSON_OBJECT);
}

static int on_map_end(void *json)
{
    return end(json, MASK__JSON_OBJECT_END);
}

static int on_array(void *json)
{
    return begin(json, MASK__JSON_ARRAY);
}

static int on_array_end(void *json)
{
    return end(json, MASK__JSON_ARRAY_END);
}

mask_status mask__json_create(mask__json **out, const char *path, mask__json_visit visit, void *context,
                              mask_error *err)
{
    static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                             .yajl_boolean = on_boolean,
                                             .yajl_number = on_number,
                                             .yajl_string = on_string,
                                             .yajl_start_map = on_map,
                                             .yajl_map_key = on_key,
                                             .yajl_end_map = on_map_end,
                                             .yajl_start_array = on_array,
                                             .yajl_end_array = on_array_end};
    mask__json *json = *out = calloc(1, sizeof *json);
    if (!json) return mask__no_memory(err, path);
    json->visit = visit;
    json->context = context;
    json->path = strdup(path);
    json->chunk = malloc(CHUNK_BYTES);
    json->yajl = yajl_alloc(&callbacks, NULL, json);
    if (json->path && json->chunk && json->yajl) return MASK_OK;
    mask__json_free(json);
    *out = NULL;
    return mask__no_memory(err, path);
}

void mask__json_free(mask__json *json)
{
    if (!json) return;
    if (json->yajl) yajl_free(json->yajl);
    free(json->path);
    free(json->chunk);
    free(json);
}

/* yajl's own message has lines and does not say where. */
static mask_status syntax_error(mask__json *json, size_t size, mask_error *err)
{
    uint64_t offset = json->chunk_offset + (size ? yajl_get_bytes_consumed(json->yajl) : 0);
    unsigned char *why = yajl_get_error(json->yajl, 0, NULL, 0);
    char *text = (char *)why;
    mask_status status = mask__fail_at(
        err, MASK_EFORMAT, offset, "%s: before byte %llu: %.*s: the file is cut or not JSON, fetch it again",
        json->path, (unsigned long long)offset, text ? (int)strcspn(text, "\n") : 0, text ? text : "");
    if (why) yajl_free_error(json->yajl, why);
    return status;
}

mask_status mask__json_parse(mask__json *json, uint64_t offset, const unsigned char *bytes, size_t size,
                             mask_error *err)
{
    if (json->stopped) return MASK_OK;
    json->chunk_offset = offset;
    json->err = err;
    json->quiet_bytes += size;
    yajl_status result = size ? yajl_parse(json->yajl, bytes, size) : yajl_complete_parse(json->yajl);
    if (json->status != MASK_OK) return json->status;
    if (json->stopped) return MASK_OK;
    if (result != yajl_status_ok) return syntax_error(json, size, err);
    if (json->quiet_bytes <= VALUE_BYTES) return MASK_OK;
    return mask__fail_at(err, MASK_EFORMAT, offset,
                         "%s: byte %llu: a value of more than %d bytes: not a file of this kind", json->path,
                         (unsigned long long)offset, VALUE_BYTES);
}

mask_status mask__json_feed(mask__json *json, mask__stream *stream, bool *more, mask_error *err)
{
    size_t got;
    uint64_t offset = mask__stream_offset(stream);
    MASK__TRY(mask__stream_read(stream, json->chunk, CHUNK_BYTES, &got, err));
    size_t skip = offset == 0 && got >= 3 && memcmp(json->chunk, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte order mark */
    *more = got > 0;
    if (got > 0 && got == skip) return MASK_OK;
    MASK__TRY(mask__json_parse(json, offset + skip, json->chunk + skip, got - skip, err));
    *more = *more && !json->stopped;
    return MASK_OK;
}

mask_status mask__json_read(const char *path, mask__json_visit visit, void *context, mask_error *err)
{
    mask__stream *stream;
    mask__json *json = NULL;
    bool more = true;
    MASK__TRY(mask__stream_open(&stream, path, err));
    mask_status status = mask__json_create(&json, path, visit, context, err);
    while (status == MASK_OK && more) status = mask__json_feed(json, stream, &more, err);
    mask__json_free(json);
    mask__stream_close(stream);
    return status;
}
