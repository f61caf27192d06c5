/* Word vectors of other programs into a .mvec: recognises the format by its first bytes and reads it row by row.
 * docs/vectors.md lists the formats and their quirks. Tokens are bytes: no case folding, no repair of UTF-8. A row that
 * breaks its format's rules stops the import; nothing is guessed, skipped or filled in. */
#include "text/vectors.h"
#include "base/options.h"

#include "base/memory.h"
#include "base/decimal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* LINE_BYTES: MASK__VECTORS_MAX_DIM numbers of a dozen digits. The same is looked at to recognise a format. */
enum { LINE_BYTES = 1 << 20, TOKEN_BYTES = 1 << 12, SAMPLE_LINES = 64 };

/* ---- Lines: GloVe text and fastText .vec ---------------------------------------------------------------------- */

static bool is_number(const char *text, size_t length)
{
    float value;
    return mask__decimal_read(text, length, &value);
}

/* Where the last space-separated field begins, looking back from end. */
static const char *last_field(const char *begin, const char *end)
{
    const char *space = memrchr(begin, ' ', (size_t)(end - begin));
    return space ? space + 1 : begin;
}

/* fastText ends every line with a space, Windows with a carriage return. */
static size_t without_trailing_spaces(const char *line, size_t length)
{
    while (length && (line[length - 1] == ' ' || line[length - 1] == '\r')) length--;
    return length;
}

/* The last dim fields are the numbers; what stands before them is the token, spaces included. */
static mask_status read_row(mask__vectors_import *in, const char *line, size_t length, mask_error *err)
{
    const char *end = line + without_trailing_spaces(line, length);
    for (size_t i = in->dim; i-- > 0;) {
        const char *field = last_field(line, end);
        if (field == line)
            return mask__vectors_import_refuse(in, err, "a token and %zu numbers are expected, %zu numbers found",
                                               in->dim, in->dim - 1 - i);
        if (!mask__decimal_read(field, (size_t)(end - field), &in->row[i]))
            return mask__vectors_import_refuse(
                in, err, "number %zu of %zu is not a finite decimal number: repair or leave out this line", i + 1,
                in->dim);
        end = field - 1;
    }
    const char *last = last_field(line, end);
    if (end > line && (*line == ' ' || last == end))
        return mask__vectors_import_refuse(in, err,
                                           "the token begins or ends with a space: fields are split by one space");
    if (last > line && is_number(last, (size_t)(end - last)))
        return mask__vectors_import_refuse(in, err, "more than the %zu numbers expected", in->dim);
    return mask__vectors_import_add(in, line, (size_t)(end - line), err);
}

static mask_status next_line(mask__vectors_import *in, char **line, size_t *length, mask_error *err)
{
    in->offset = mask__stream_offset(in->stream);
    MASK__TRY(mask__stream_line(in->stream, LINE_BYTES, line, length, err));
    in->at = mask__stream_line_number(in->stream);
    return MASK_OK;
}

static mask_status read_lines(mask__vectors_import *in, size_t dim, bool header, mask_error *err)
{
    char *line;
    size_t length;
    in->unit = "line";
    in->at = 1;
    if (header) MASK__TRY(next_line(in, &line, &length, err));
    MASK__TRY(mask__vectors_import_begin(in, dim, err));
    for (;;) {
        MASK__TRY(next_line(in, &line, &length, err));
        if (!line) return MASK_OK;
        MASK__TRY(read_row(in, line, length, err));
    }
}

/* ---- word2vec binary ------------------------------------------------------------------------------------------ */

static mask_status read_exactly(mask__vectors_import *in, void *buffer, size_t size, mask_error *err)
{
    size_t got;
    MASK__TRY(mask__stream_read(in->stream, buffer, size, &got, err));
    if (got == size) return MASK_OK;
    return mask__vectors_import_refuse(in, err, "the file ends inside vector %llu of %llu: it was cut, fetch it again",
                                       (unsigned long long)in->rows + 1, (unsigned long long)in->promised);
}

/* Bytes up to a space. A newline before the token ends the row before; some writers put it, some do not. */
static mask_status read_token(mask__vectors_import *in, char *token, size_t *length, mask_error *err)
{
    char byte;
    *length = 0;
    in->at = in->offset = mask__stream_offset(in->stream);
    for (;;) {
        MASK__TRY(read_exactly(in, &byte, 1, err));
        if (byte == '\n' && *length == 0) continue;
        if (byte == ' ') return MASK_OK;
        if (byte == '\n' || *length == TOKEN_BYTES)
            return mask__vectors_import_refuse(in, err,
                                               "no token here: the numbers a vector in the header are wrong, or "
                                               "the file is damaged");
        token[(*length)++] = byte;
    }
}

static mask_status read_end(mask__vectors_import *in, mask_error *err)
{
    char byte;
    size_t got;
    do {
        in->at = in->offset = mask__stream_offset(in->stream);
        MASK__TRY(mask__stream_read(in->stream, &byte, 1, &got, err));
    } while (got && byte == '\n');
    if (!got) return MASK_OK;
    return mask__vectors_import_refuse(in, err, "the file goes on after the %llu vectors its header promises",
                                       (unsigned long long)in->promised);
}

static mask_status read_word2vec(mask__vectors_import *in, size_t dim, mask_error *err)
{
    char token[TOKEN_BYTES], *header;
    size_t length;
    in->unit = "byte";
    in->at = 0;
    MASK__TRY(mask__stream_line(in->stream, LINE_BYTES, &header, &length, err));
    MASK__TRY(mask__vectors_import_begin(in, dim, err));
    while (in->rows < in->promised) {
        MASK__TRY(read_token(in, token, &length, err));
        MASK__TRY(read_exactly(in, in->row, dim * sizeof *in->row, err));
        MASK__TRY(mask__vectors_import_add(in, token, length, err));
    }
    return read_end(in, err);
}

/* ---- .mvec, to change between float32 and float16 ------------------------------------------------------------- */

static mask_status read_mvec(mask__vectors_import *in, mask_error *err)
{
    mask_vectors *from;
    MASK__TRY(mask_vectors_open(&from, in->from, NULL, err));
    in->unit = "row";
    in->promised = mask_vectors_count(from);
    mask_status status = mask_vectors_verify(from, err);
    if (status == MASK_OK) status = mask__vectors_import_begin(in, mask_vectors_dim(from), err);
    for (; status == MASK_OK && in->at < in->promised; in->at++) {
        size_t length;
        const char *word = mask_vectors_word(from, in->at, &length);
        mask_vectors_get(from, in->at, in->row);
        status = mask__vectors_import_add(in, word, length, err);
    }
    mask_vectors_close(from);
    return status;
}

/* ---- Recognition ---------------------------------------------------------------------------------------------- */

typedef enum { UNKNOWN, LINES, LINES_WITH_HEADER, WORD2VEC, WINK, MVEC } format;

typedef struct head {
    char *bytes;
    size_t size;
    bool whole; /* the file has no more */
} head;

/* Length of the line that begins there; false when there is none, or its end is not within the head. */
static bool line_at(const head *h, size_t begin, size_t *length)
{
    *length = 0;
    if (begin >= h->size) return false;
    const char *newline = memchr(h->bytes + begin, '\n', h->size - begin);
    *length = newline ? (size_t)(newline - h->bytes) - begin : h->size - begin;
    return newline || h->whole;
}

static const char *read_count(const char *at, const char *end, uint64_t *count)
{
    const char *begin = at;
    for (*count = 0; at < end && *at >= '0' && *at <= '9' && *count < UINT32_MAX; at++)
        *count = *count * 10 + (uint64_t)(*at - '0');
    return at > begin ? at : NULL;
}

/* "V d": two whole numbers and nothing else. */
static bool read_header(const char *line, size_t length, uint64_t *rows, uint64_t *dim)
{
    uint64_t first, second;
    const char *end = line + without_trailing_spaces(line, length), *at = read_count(line, end, &first);
    if (!at || at == end || *at != ' ' || read_count(at + 1, end, &second) != end) return false;
    *rows = first;
    *dim = second;
    return true;
}

/* After a "V d" header: d numbers of text are at least 2 d bytes with their spaces, all printable. The same stretch of
 * float32 is not, unless d is a handful; a newline among its bytes says nothing. */
static bool row_is_text(const head *h, size_t begin, uint64_t dim)
{
    const char *space = begin < h->size ? memchr(h->bytes + begin, ' ', h->size - begin) : NULL;
    if (!space) return true;
    size_t rest = (size_t)(h->bytes + h->size - space), wanted = rest / 2 < dim ? rest : 2 * (size_t)dim;
    for (size_t i = 0; i < wanted; i++)
        if ((space[i] < ' ' || space[i] > '~') && space[i] != '\r' && space[i] != '\n') return false;
    return true;
}

/* Numbers in a line of text without a header: most lines have one more field than numbers. A token with spaces makes
 * some lines longer, damage may make some shorter, so the most frequent count wins and, among equals, the smaller. */
static size_t sample_dim(const head *h)
{
    size_t fields[SAMPLE_LINES], lines = 0, begin = 0, length, best = 0, best_votes = 0;
    for (; lines < SAMPLE_LINES && line_at(h, begin, &length); lines++, begin += length + 1) {
        const char *line = h->bytes + begin;
        size_t end = without_trailing_spaces(line, length);
        fields[lines] = 1;
        for (size_t i = 0; i < end; i++) fields[lines] += line[i] == ' ';
    }
    for (size_t i = 0; i < lines; i++) {
        size_t votes = 0;
        for (size_t j = 0; j < lines; j++) votes += fields[j] == fields[i];
        if (votes < best_votes || (votes == best_votes && fields[i] >= best)) continue;
        best = fields[i];
        best_votes = votes;
    }
    return best - 1;
}

/* A row of text without a header: any field after the first is a number. */
static bool has_numbers(const char *line, size_t length)
{
    const char *end = line + length;
    if (memchr(line, '\0', length)) return false;
    while (end > line) {
        const char *field = last_field(line, end);
        if (field > line && is_number(field, (size_t)(end - field))) return true;
        end = field > line ? field - 1 : line;
    }
    return false;
}

static size_t skip_blanks(const head *h, size_t at)
{
    while (at < h->size && strchr(" \t\r\n", h->bytes[at]) && h->bytes[at]) at++;
    return at;
}

static format recognise(const head *h, uint64_t *rows, uint64_t *dim)
{
    size_t length, at = skip_blanks(h, 0);
    if (h->size >= MASK__MAGIC_BYTES && memcmp(h->bytes, MASK__VECTORS_MAGIC, MASK__MAGIC_BYTES) == 0) return MVEC;
    if (at < h->size && h->bytes[at] == '{') { /* "{" may be a token too, but then a number follows */
        at = skip_blanks(h, at + 1);
        if (at < h->size && (h->bytes[at] == '"' || h->bytes[at] == '}')) return WINK;
    }
    if (!line_at(h, 0, &length)) return UNKNOWN;
    if (read_header(h->bytes, length, rows, dim))
        return row_is_text(h, length + 1, *dim) ? LINES_WITH_HEADER : WORD2VEC;
    if (!has_numbers(h->bytes, length)) return UNKNOWN;
    *dim = sample_dim(h);
    return LINES;
}

static mask_status read_head(head *h, const char *path, mask_error *err)
{
    mask__stream *stream;
    MASK__TRY(mask__stream_open(&stream, path, err));
    mask_status status = MASK_OK;
    h->bytes = malloc(LINE_BYTES);
    if (!h->bytes) status = mask__no_memory(err, path);
    if (status == MASK_OK) status = mask__stream_read(stream, h->bytes, LINE_BYTES, &h->size, err);
    h->whole = h->size < LINE_BYTES;
    mask__stream_close(stream);
    return status;
}

static mask_status read_rows(mask__vectors_import *in, mask_error *err)
{
    head h = {0};
    uint64_t dim = 0;
    mask_status status = read_head(&h, in->from, err);
    format which = status == MASK_OK ? recognise(&h, &in->promised, &dim) : UNKNOWN;
    free(h.bytes);
    if (status == MASK_OK && which != MVEC) status = mask__stream_open(&in->stream, in->from, err);
    MASK__TRY(status);
    in->unit = "line";
    in->at = 1;
    if ((which == LINES_WITH_HEADER || which == WORD2VEC) && in->promised == 0)
        return mask__vectors_import_refuse(in, err, "the header promises 0 vectors");
    switch (which) {
    case LINES:
    case LINES_WITH_HEADER:
        return read_lines(in, dim, which == LINES_WITH_HEADER, err);
    case WORD2VEC:
        return read_word2vec(in, dim, err);
    case WINK:
        return mask__vectors_read_wink(in, err);
    case MVEC:
        in->at = 0;
        return read_mvec(in, err);
    default:
        return mask__fail_at(
            err, MASK_EFORMAT, 0,
            "%s: byte 0: none of the formats read: GloVe text, word2vec binary, fastText .vec, wink JSON "
            "(each may be .gz), .mvec: unpack or convert it first",
            in->from);
    }
}

/* A pipe would lose its beginning: a file is opened twice, once to recognise it. */
static bool is_pipe(const char *path)
{
    return strcmp(path, "-") == 0 || (access(path, F_OK) == 0 && !mask__is_file(path) && !mask__is_folder(path));
}

/* The tokens to keep, one a line; empty lines are passed over. */
static mask_status read_tokens(mask__strings *keep, const char *path, mask_error *err)
{
    mask__stream *stream;
    char *line;
    size_t length;
    mask_status status;
    MASK__TRY(mask__stream_open(&stream, path, err));
    while ((status = mask__stream_line(stream, TOKEN_BYTES, &line, &length, err)) == MASK_OK && line) {
        uint32_t index;
        if (length) status = mask__strings_intern(keep, line, length, &index, NULL, err);
        if (status != MASK_OK) break;
    }
    mask__stream_close(stream);
    return status;
}

mask_status mask_vectors_import(const char *from, const char *to, const mask_vectors_import_options *options,
                                const mask_run *run, mask_error *err)
{
    mask_vectors_import_options o = mask_vectors_import_defaults();
    MASK__TRY(mask__options_take(MASK_OPTIONS_VECTORS, &o, options, err));
    mask__vectors_import in = {.from = from, .to = to, .bits = o.bits, .only = o.keep != NULL, .run = run};
    if (o.bits != 32 && o.bits != 16 && o.bits != 8)
        return mask__fail(err, MASK_EINVAL, "numbers are stored in 32, 16 or 8 bits, not %d", o.bits);
    if (is_pipe(from))
        return mask__fail(err, MASK_EINVAL, "%s: vectors are not read from a pipe: save them to a file", from);
    mask_status status = o.keep ? read_tokens(&in.keep, o.keep, err) : MASK_OK;
    if (status == MASK_OK) status = read_rows(&in, err);
    if (status == MASK_OK) status = mask__vectors_import_finish(&in, err);
    mask__stream_close(in.stream);
    mask__vectors_import_free(&in);
    return status;
}
