#include "base/lines.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

enum { MAX_LINE_BYTES = 1 << 20 };

mask_status mask__lines_open(mask__lines *lines, const char *path, mask_error *err)
{
    *lines = (mask__lines){0};
    return mask__stream_open(&lines->stream, path, err);
}

void mask__lines_close(mask__lines *lines)
{
    mask__stream_close(lines->stream);
    *lines = (mask__lines){0};
}

size_t mask__utf8_valid(const char *text, size_t length)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    size_t at = 0;
    while (at < length) {
        utf8proc_int32_t codepoint;
        utf8proc_ssize_t step = 1;
        if (bytes[at] >= 0x80) step = utf8proc_iterate(bytes + at, (utf8proc_ssize_t)(length - at), &codepoint);
        if (step <= 0) break;
        at += (size_t)step;
    }
    return at;
}

/* Not isspace, which asks the locale. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void mask__lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z') *text = (char)(*text - 'A' + 'a');
}

void mask__strip(const char **text, size_t *length)
{
    while (*length && is_space((*text)[*length - 1])) --*length;
    while (*length && is_space(**text)) ++*text, --*length;
}

mask_status mask__lines_next(mask__lines *lines, mask_error *err)
{
    char *line;
    size_t length;
    lines->offset = mask__stream_offset(lines->stream);
    lines->text = NULL;
    MASK__TRY(mask__stream_line(lines->stream, MAX_LINE_BYTES, &line, &length, err));
    if (!line) return MASK_OK;
    size_t valid = mask__utf8_valid(line, length);
    if (valid < length) {
        lines->offset += valid;
        return mask__lines_fail(lines, err, "byte %llu is not UTF-8: convert the file, for example with iconv -t UTF-8",
                                (unsigned long long)lines->offset);
    }
    const char *text = line;
    if (mask__stream_line_number(lines->stream) == 1 && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3, length -= 3;
    mask__strip(&text, &length);
    lines->text = line + (text - line);
    lines->text[length] = '\0';
    lines->length = length;
    return MASK_OK;
}

mask_status mask__lines_fail(const mask__lines *lines, mask_error *err, const char *format, ...)
{
    char what[384];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return mask__fail_at(err, MASK_EFORMAT, lines->offset, "%s: line %llu: %s", mask__stream_path(lines->stream),
                         (unsigned long long)mask__stream_line_number(lines->stream), what);
}
