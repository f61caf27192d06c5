#include "annotations/vocabulary.h"
#include "base/lines.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void mask__vocabulary_free(mask__vocabulary *v)
{
    mask__names_free(&v->aliases);
    mask__names_free(&v->names);
    free(v->class_of);
    *v = (mask__vocabulary){0};
}

int64_t mask__vocabulary_find(const mask__vocabulary *v, const char *alias)
{
    int64_t place = mask__names_find(&v->aliases, alias);
    return place < 0 ? -1 : (int64_t)v->class_of[place];
}

const char *mask__vocabulary_name(const mask__vocabulary *v, size_t class)
{
    return mask__names_get(&v->names, class);
}

static mask_status add_alias(mask__vocabulary *v, const char *text, size_t length, mask_error *err)
{
    if (!mask__grow(&v->class_of, &v->capacity, v->aliases.count + 1, sizeof *v->class_of))
        return mask__no_memory(err, "a vocabulary");
    v->class_of[v->aliases.count] = (uint32_t)v->count;
    return mask__names_add(&v->aliases, text, length, err);
}

/* One class. */
static mask_status read_line(mask__vocabulary *v, mask__lines *lines, mask_error *err)
{
    char *at = lines->text, *next;
    mask__lower(at);
    for (bool first = true; at; first = false, at = next) {
        char *comma = strchr(at, ',');
        const char *alias = at;
        size_t length = comma ? (size_t)(comma - at) : strlen(at);
        next = comma ? comma + 1 : NULL;
        mask__strip(&alias, &length);
        if (length == 0)
            return mask__lines_fail(lines, err, "an empty name: a class has its names set apart by commas");
        at[alias - at + (ptrdiff_t)length] = '\0';
        MASK__TRY(add_alias(v, alias, length, err));
        if (first) MASK__TRY(mask__names_add(&v->names, alias, length, err));
    }
    v->count++;
    return MASK_OK;
}

static mask_status read_lines(mask__vocabulary *v, mask__lines *lines, mask_error *err)
{
    for (;;) {
        MASK__TRY(mask__lines_next(lines, err));
        if (!lines->text) break;
        MASK__TRY(read_line(v, lines, err));
    }
    if (v->count) return MASK_OK;
    return mask__fail_at(err, MASK_EFORMAT, 0, "%s: is empty: a vocabulary has a class on each line",
                         mask__stream_path(lines->stream));
}

mask_status mask__vocabulary_read(mask__vocabulary *v, const char *path, mask_error *err)
{
    mask__lines lines;
    *v = (mask__vocabulary){0};
    MASK__TRY(mask__lines_open(&lines, path, err));
    mask_status status = read_lines(v, &lines, err);
    mask__lines_close(&lines);
    if (status != MASK_OK) mask__vocabulary_free(v);
    return status;
}
