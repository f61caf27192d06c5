/* A forward-only text or byte stream: a plain file, a .gz (recognised by content), a named pipe that somebody writes,
 * or "-" for standard input. Knows its line and byte offset, so that a refusal can name the place. */
#ifndef MASK_BASE_STREAM_H
#define MASK_BASE_STREAM_H

#include "base/error.h"

#include <stdbool.h>

typedef struct mask__stream mask__stream;

mask_status mask__stream_open(mask__stream **out, const char *path, mask_error *err);
void mask__stream_close(mask__stream *stream);

/* Reads up to size bytes; *got < size only at the end. A cut .gz is an error, not an end. */
mask_status mask__stream_read(mask__stream *stream, void *buffer, size_t size, size_t *got, mask_error *err);
/* The next line without its "\n" or "\r\n", NUL-terminated, valid until the next call; *line = NULL at the end.
 * A line over max_bytes is an error. NUL bytes inside a line are an error (the file is not text). */
mask_status mask__stream_line(mask__stream *stream, size_t max_bytes, char **line, size_t *length, mask_error *err);

const char *mask__stream_path(const mask__stream *stream);
uint64_t mask__stream_offset(const mask__stream *stream);      /* of the next byte, after decompression */
uint64_t mask__stream_line_number(const mask__stream *stream); /* of the line last returned, from 1 */
/* Bytes of the file consumed so far and its size (0 when unknown), for progress. */
void mask__stream_position(mask__stream *stream, uint64_t *done, uint64_t *total);

#endif
