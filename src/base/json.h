/* JSON files of any size as a stream of events, so that memory holds one chunk and what the visitor keeps. Refuses
 * broken JSON, text that is not UTF-8, nesting deeper than 64 and a single value of more than a megabyte, each with
 * its byte. */
#ifndef MASK_BASE_JSON_H
#define MASK_BASE_JSON_H

#include "base/stream.h"

typedef enum mask__json_kind {
    MASK__JSON_NULL,
    MASK__JSON_BOOLEAN,
    MASK__JSON_NUMBER,
    MASK__JSON_STRING,
    MASK__JSON_KEY,
    MASK__JSON_OBJECT,
    MASK__JSON_OBJECT_END,
    MASK__JSON_ARRAY,
    MASK__JSON_ARRAY_END
} mask__json_kind;

typedef struct mask__json_event {
    mask__json_kind kind;
    int depth;        /* containers around it; the same at a container's begin and end */
    const char *text; /* of numbers, strings and keys; not NUL-terminated */
    size_t length;
} mask__json_event;

typedef struct mask__json mask__json;
/* A status other than MASK_OK ends the parsing with it. */
typedef mask_status (*mask__json_visit)(void *context, mask__json *json, const mask__json_event *event,
                                        mask_error *err);

/* path stands in messages. */
mask_status mask__json_create(mask__json **out, const char *path, mask__json_visit visit, void *context,
                              mask_error *err);
void mask__json_free(mask__json *json);
/* Parses `size` bytes that lie at this offset of the file; 0 bytes are its end. */
mask_status mask__json_parse(mask__json *json, uint64_t offset, const unsigned char *bytes, size_t size,
                             mask_error *err);
/* Parses the next chunk of a stream; *more is false after the last. */
mask_status mask__json_feed(mask__json *json, mask__stream *stream, bool *more, mask_error *err);
/* Parses a whole file. */
mask_status mask__json_read(const char *path, mask__json_visit visit, void *context, mask_error *err);

/* For a visitor: ends the parsing without an error. The parser takes nothing more then. */
void mask__json_stop(mask__json *json);
bool mask__json_stopped(const mask__json *json);
/* The byte behind the event at hand. */
uint64_t mask__json_offset(const mask__json *json);
/* MASK_EFORMAT about the event at hand: "FILE: byte N: ..." */
mask_status mask__json_fail(const mask__json *json, mask_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether an event's text is this word. */
bool mask__json_is(const mask__json_event *event, const char *word);
/* A number's value; false when the event is no number, not finite, or (whole) not an integer of 53 bits. */
bool mask__json_number(const mask__json_event *event, double *value);
bool mask__json_whole(const mask__json_event *event, int64_t *value);

#endif
