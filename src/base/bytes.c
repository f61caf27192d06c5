#include "base/bytes.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned char *mask__bytes_more(mask__bytes *b, size_t more)
{
    b->lost = b->lost || more > SIZE_MAX / 2 - b->size || !mask__grow(&b->data, &b->capacity, b->size + more, 1);
    if (b->lost) return NULL;
    b->size += more;
    return b->data + b->size - more;
}

void mask__bytes_put(mask__bytes *b, const void *from, size_t size)
{
    unsigned char *to = mask__bytes_more(b, size);
    if (to && size) memcpy(to, from, size);
}

void mask__bytes_print(mask__bytes *b, const char *format, ...)
{
    va_list list;
    char *text;
    va_start(list, format);
    int length = vasprintf(&text, format, list);
    va_end(list);
    b->lost = b->lost || length < 0;
    if (length < 0) return;
    mask__bytes_put(b, text, (size_t)length);
    free(text);
}

const char *mask__bytes_text(mask__bytes *b)
{
    mask__bytes_put(b, "", 1);
    if (b->lost) return "";
    b->size--;
    return (const char *)b->data;
}

void mask__bytes_free(mask__bytes *b)
{
    free(b->data);
    *b = (mask__bytes){0};
}
