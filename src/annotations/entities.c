/* Reads the two files of an image of Flickr30K Entities. The XML is Pascal VOC's with several names an object; expat
 * parses it, and a document type, which such a file has no use for, is refused. */
#include "annotations/entities.h"
#include "base/decimal.h"
#include "base/lines.h"
#include "base/memory.h"

#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 14, MAX_XML_BYTES = 1 << 24, TEXT_BYTES = 64, MAX_DEPTH = 32 };

void mask__entities_free(mask__entities *e)
{
    free(e->mentions);
    free(e->boxes);
    free(e->chains);
    mask__bytes_free(&e->bytes);
    *e = (mask__entities){0};
}

/* A whole number of at most 18 digits at *at, which moves behind it. */
static bool take_chain(const char **at, uint64_t *chain)
{
    const char *from = *at;
    *chain = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) *chain = *chain * 10 + (uint64_t)(**at - '0');
    return *at > from && *at - from <= 18;
}

/* ---- Sentences ---- */

static mask_status add_mention(mask__entities *e, uint64_t chain, const char *text, size_t length, mask_error *err)
{
    if (!mask__grow(&e->mentions, &e->mention_capacity, e->mention_count + 1, sizeof *e->mentions))
        return mask__no_memory(err, "phrases");
    e->mentions[e->mention_count++] = (mask__mention){chain, e->bytes.size};
    mask__bytes_put(&e->bytes, text, length);
    mask__bytes_put(&e->bytes, "", 1);
    return e->bytes.lost ? mask__no_memory(err, "phrases") : MASK_OK;
}

static mask_status read_sentence(mask__entities *e, const mask__lines *lines, mask_error *err)
{
    static const char begin[] = "[/EN#";
    const char *at = lines->text;
    while ((at = strstr(at, begin))) {
        uint64_t chain;
        const char *from = at + strlen(begin), *end = strchr(at, ']');
        bool valid = end && take_chain(&from, &chain) && *from == '/';
        const char *phrase = valid ? memchr(from, ' ', (size_t)(end - from)) : NULL;
        if (!phrase)
            return mask__lines_fail(lines, err, "byte %zu of the line: a phrase must be [/EN#NUMBER/TYPE WORDS]",
                                    (size_t)(at - lines->text));
        size_t length = (size_t)(end - phrase);
        mask__strip(&phrase, &length);
        if (length) MASK__TRY(add_mention(e, chain, phrase, length, err));
        at = end;
    }
    return MASK_OK;
}

mask_status mask__entities_read_sentences(mask__entities *e, const char *path, mask_error *err)
{
    mask__lines lines;
    e->mention_count = e->bytes.size = 0;
    MASK__TRY(mask__lines_open(&lines, path, err));
    mask_status status = mask__lines_next(&lines, err);
    while (status == MASK_OK && lines.text) {
        status = read_sentence(e, &lines, err);
        if (status == MASK_OK) status = mask__lines_next(&lines, err);
    }
    mask__lines_close(&lines);
    return status;
}

/* ---- Boxes ---- */

typedef struct xml {
    mask__entities *out;
    XML_Parser parser;
    const char *path;
    int depth;
    char names[MAX_DEPTH][16]; /* of the elements open */
    char text[TEXT_BYTES];     /* of the element open last */
    size_t length;
    unsigned sides; /* of the object's box, one bit each */
    mask_status status;
    mask_error *err;
} xml;

static void refuse(xml *x, const char *what)
{
    long byte = XML_GetCurrentByteIndex(x->parser);
    if (x->status == MASK_OK)
        x->status = mask__fail_at(x->err, MASK_EFORMAT, byte < 0 ? 0 : (uint64_t)byte, "%s: line %lu: %s", x->path,
                                  (unsigned long)XML_GetCurrentLineNumber(x->parser), what);
    XML_StopParser(x->parser, XML_FALSE);
}

static bool inside(const xml *x, int depth, const char *name)
{
    return x->depth > depth && strcmp(x->names[depth], name) == 0;
}

static void begin_object(xml *x)
{
    mask__entities *e = x->out;
    if (!mask__grow(&e->boxes, &e->box_capacity, e->box_count + 1, sizeof *e->boxes)) {
        x->status = mask__no_memory(x->err, x->path);
        XML_StopParser(x->parser, XML_FALSE);
        return;
    }
    e->boxes[e->box_count++] = (mask__entity_box){.first_chain = e->chain_count};
    x->sides = 0;
}

static void on_begin(void *user, const XML_Char *name, const XML_Char **attributes)
{
    xml *x = user;
    (void)attributes;
    if (x->depth == MAX_DEPTH) {
        refuse(x, "nested too deep: not an annotation of Flickr30K Entities");
        return;
    }
    if (x->depth == 0 && strcmp(name, "annotation") != 0) refuse(x, "not an annotation of Flickr30K Entities");
    strncpy(x->names[x->depth], name, sizeof x->names[0] - 1);
    x->names[x->depth++][sizeof x->names[0] - 1] = '\0';
    x->length = 0;
    if (x->depth == 2 && inside(x, 1, "object")) begin_object(x);
}

static void on_text(void *user, const XML_Char *text, int length)
{
    xml *x = user;
    for (int i = 0; i < length; i++)
        if (x->length < sizeof x->text - 1)
            x->text[x->length++] = text[i]; /* longer is no number, and refused as none */
}

static bool read_number(const xml *x, double *value)
{
    const char *text = x->text;
    size_t length = x->length;
    mask__strip(&text, &length);
    return x->length < sizeof x->text - 1 && mask__decimal_double(text, length, value) && fabs(*value) <= 1e7;
}

static void end_name(xml *x)
{
    mask__entities *e = x->out;
    uint64_t chain;
    const char *at = x->text + strspn(x->text, " \t\r\n");
    if (!take_chain(&at, &chain) || at[strspn(at, " \t\r\n")]) {
        refuse(x, "the name of an object must be the number of a chain");
    } else if (!mask__grow(&e->chains, &e->chain_capacity, e->chain_count + 1, sizeof *e->chains)) {
        x->status = mask__no_memory(x->err, x->path);
        XML_StopParser(x->parser, XML_FALSE);
    } else {
        e->chains[e->chain_count++] = chain;
        e->boxes[e->box_count - 1].chains++;
    }
}

static void end_side(xml *x, const char *name)
{
    static const char *const sides[] = {"xmin", "ymin", "xmax", "ymax"};
    mask__entity_box *box = &x->out->boxes[x->out->box_count - 1];
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(name, sides[i]) != 0) continue;
        if (!read_number(x, &box->box[i])) refuse(x, "the side of a box must be a number of at most 1e7");
        x->sides |= 1u << i;
    }
    box->has_box = x->sides == 0xf;
}

static void end_size(xml *x, const char *name)
{
    double *to = strcmp(name, "width") == 0 ? &x->out->width : strcmp(name, "height") == 0 ? &x->out->height : NULL;
    if (to && (!read_number(x, to) || *to < 0)) refuse(x, "the size of an image must be a number of at most 1e7");
}

static void on_end(void *user, const XML_Char *name)
{
    xml *x = user;
    x->text[x->length] = '\0';
    if (x->depth == 3 && inside(x, 1, "object") && strcmp(name, "name") == 0) end_name(x);
    if (x->depth == 4 && inside(x, 1, "object") && inside(x, 2, "bndbox")) end_side(x, name);
    if (x->depth == 3 && inside(x, 1, "size")) end_size(x, name);
    x->depth--;
    x->length = 0;
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    refuse(user, "has a document type: not an annotation of Flickr30K Entities");
}

static mask_status parse_chunks(xml *x, mask__stream *stream, mask_error *err)
{
    size_t got;
    do {
        char *chunk = XML_GetBuffer(x->parser, CHUNK_BYTES);
        if (!chunk) return mask__no_memory(err, x->path);
        MASK__TRY(mask__stream_read(stream, chunk, CHUNK_BYTES, &got, err));
        enum XML_Status result = XML_ParseBuffer(x->parser, (int)got, got < CHUNK_BYTES);
        if (x->status != MASK_OK) return x->status;
        if (result != XML_STATUS_OK || mask__stream_offset(stream) > MAX_XML_BYTES)
            return mask__fail_at(err, MASK_EFORMAT, (uint64_t)XML_GetCurrentByteIndex(x->parser),
                                 "%s: line %lu: %s: the file is cut or not XML, fetch it again", x->path,
                                 (unsigned long)XML_GetCurrentLineNumber(x->parser),
                                 result != XML_STATUS_OK ? XML_ErrorString(XML_GetErrorCode(x->parser)) : "too large");
    } while (got == CHUNK_BYTES);
    return MASK_OK;
}

mask_status mask__entities_read_boxes(mask__entities *e, const char *path, mask_error *err)
{
    mask__stream *stream;
    xml x = {.out = e, .path = path, .err = err};
    e->box_count = e->chain_count = 0;
    e->width = e->height = 0;
    MASK__TRY(mask__stream_open(&stream, path, err));
    x.parser = XML_ParserCreate(NULL);
    mask_status status = x.parser ? MASK_OK : mask__no_memory(err, path);
    if (status == MASK_OK) {
        XML_SetUserData(x.parser, &x);
        XML_SetElementHandler(x.parser, on_begin, on_end);
        XML_SetCharacterDataHandler(x.parser, on_text);
        XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
        status = parse_chunks(&x, stream, err);
    }
    if (x.parser) XML_ParserFree(x.parser);
    mask__stream_close(stream);
    return status;
}
