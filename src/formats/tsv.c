#include "formats/tsv.h"
#include "formats/base64.h"
#include "base/lines.h"

#include <stdbool.h>
#include <string.h>

/* One place in the text while a row is read. */
typedef struct cursor {
    const char *at, *end; /* end of the file */
    const char *wrong;    /* why the row cannot be used, NULL while it can */
} cursor;

/* The next column, which a tab ends within `most` bytes. */
static const char *take(cursor *c, size_t most, size_t *length)
{
    const char *from = c->at, *stop = (size_t)(c->end - from) > most ? from + most : c->end, *at = from;
    while (at < stop && *at != '\t' && *at != '\n') at++;
    *length = (size_t)(at - from);
    if (at == stop || *at != '\t') {
        c->wrong = "has too few columns";
        return NULL;
    }
    c->at = at + 1;
    return from;
}

static uint32_t take_number(cursor *c)
{
    size_t length;
    uint32_t value = 0;
    const char *text = take(c, MASK__TSV_DIGITS, &length);
    for (size_t i = 0; text && i < length; i++) {
        if (text[i] < '0' || text[i] > '9') text = NULL;
        else value = value * 10 + (uint32_t)(text[i] - '0');
    }
    if (!text || !length) c->wrong = c->wrong ? c->wrong : "has something else where a whole number belongs";
    return value;
}

/* Skips a column of base64 of so many bytes. */
static void skip_encoded(cursor *c, size_t bytes, const char *wrong)
{
    size_t length = mask__base64_length(bytes);
    if ((size_t)(c->end - c->at) <= length || c->at[length] != '\t') c->wrong = wrong;
    else c->at += length + 1;
}

static void take_id(cursor *c, mask__tsv_row *row)
{
    size_t length;
    const char *text = take(c, MASK__TSV_ID_BYTES, &length);
    if (!text) return;
    bool plain = length > 0 && mask__utf8_valid(text, length) == length;
    for (size_t i = 0; plain && i < length; i++) plain = (unsigned char)text[i] >= ' ';
    if (!plain) c->wrong = "has no image id of plain text";
    row->id = text;
    row->id_length = length;
}

/* The four columns of classes of the ten-column layout; each lies before num_boxes, so only their ends are found here.
 */
static void skip_classes(cursor *c)
{
    size_t length;
    for (int i = 0; i < 4 && !c->wrong; i++) take(c, MASK__TSV_CLASS_BYTES, &length);
}

/* The end of a features column whose length tells the dimension; *next = where the following line starts. */
static void measure_features(cursor *c, mask__tsv_row *row, const char **next)
{
    const char *newline = memchr(c->at, '\n', (size_t)(c->end - c->at)), *end = newline ? newline : c->end;
    *next = newline ? newline + 1 : c->end;
    if (end > c->at && end[-1] == '\r') end--;
    size_t length = (size_t)(end - c->at), region = (size_t)row->regions * sizeof(float);
    if (memchr(c->at, '\t', length)) {
        c->wrong = "has too many columns, as when a cut row runs into the next";
        return;
    }
    size_t bytes = length / 4 * 3;
    if (length >= 4) bytes -= (size_t)((end[-1] == '=') + (end[-2] == '='));
    if (length % 4 != 0 || bytes == 0 || bytes % region != 0 || bytes / region > UINT32_MAX)
        c->wrong = "has features that are cut or do not fit num_boxes";
    else row->dim = (uint32_t)(bytes / region);
}

/* Where the next line starts when the features are as long as `dim` promises, else NULL: the usual row, of which
 * then nothing is read but its start. */
static const char *expected_end(const cursor *c, const mask__tsv_row *row, size_t dim)
{
    size_t length = mask__base64_length((size_t)row->regions * dim * sizeof(float)), rest = (size_t)(c->end - c->at);
    if (dim == 0 || rest < length) return NULL;
    const char *end = c->at + length;
    if (end == c->end) return end;
    if (*end == '\r' && ++end == c->end) return end;
    return *end == '\n' ? end + 1 : NULL;
}

const char *mask__tsv_row_read(mask__tsv_row *row, int columns, size_t dim, const char *data, size_t size, size_t at,
                               size_t *next)
{
    cursor c = {.at = data + at, .end = data + size};
    const char *after = NULL;
    *row = (mask__tsv_row){0};
    take_id(&c, row);
    if (!c.wrong) row->width = take_number(&c);
    if (!c.wrong) row->height = take_number(&c);
    if (columns == MASK__TSV_LXMERT) {
        uint32_t height = row->width; /* which comes first here */
        row->width = row->height;
        row->height = height;
        row->classes = (size_t)(c.at - data);
        skip_classes(&c);
    }
    if (!c.wrong) row->regions = take_number(&c);
    if (!c.wrong && (row->regions == 0 || row->regions > MASK__TSV_REGIONS)) c.wrong = "has no boxes, or too many";
    row->boxes = (size_t)(c.at - data);
    if (!c.wrong) skip_encoded(&c, (size_t)row->regions * 4 * sizeof(float), "has boxes that do not fit num_boxes");
    row->features = (size_t)(c.at - data);
    if (!c.wrong && (after = expected_end(&c, row, dim))) row->dim = (uint32_t)dim;
    else if (!c.wrong) measure_features(&c, row, &after);
    if (!after) {
        after = memchr(data + at, '\n', size - at);
        after = after ? after + 1 : data + size;
    }
    *next = (size_t)(after - data);
    return c.wrong;
}
