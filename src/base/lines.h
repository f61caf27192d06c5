/* The lines of a UTF-8 text file as the field's loaders see them: stripped of ASCII white space at both ends, a byte
 * order mark at the start skipped. A line that is not UTF-8 or longer than a mebibyte is refused with its place. */
#ifndef MASK_BASE_LINES_H
#define MASK_BASE_LINES_H

#include "base/stream.h"

typedef struct mask__lines {
    mask__stream *stream;
    char *text; /* the line, NUL-terminated, valid until the next one; NULL at the end of the file */
    size_t length;
    uint64_t offset; /* of the line as it stands in the file */
} mask__lines;

mask_status mask__lines_open(mask__lines *lines, const char *path, mask_error *err);
void mask__lines_close(mask__lines *lines);
mask_status mask__lines_next(mask__lines *lines, mask_error *err);
/* MASK_EFORMAT about the current line: "FILE: line N: ..." */
mask_status mask__lines_fail(const mask__lines *lines, mask_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first byte that does not belong to valid UTF-8, or length when all do. */
size_t mask__utf8_valid(const char *text, size_t length);
/* ASCII letters to lower case, in any locale. */
void mask__lower(char *text);
/* Moves *text and *length inwards past ASCII white space. */
void mask__strip(const char **text, size_t *length);

#endif
