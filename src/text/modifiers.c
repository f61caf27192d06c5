#include "text/modifiers.h"
#include "base/memory.h"
#include "base/stream.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 256 };

/* One line of the file. */
typedef struct entry {
    uint32_t text;
    mask__modifier pair;
} entry;

struct mask__modifiers {
    char *path;
    entry *entries;
    size_t entry_count, entry_capacity, at;
    uint32_t text; /* the next one's number */
    mask__modifier *pairs;
    size_t pair_count, pair_capacity;
};

static mask_status add_pair(mask__modifiers *m, mask__modifier pair, mask_error *err)
{
    MASK__TRY(mask__room(&m->pairs, &m->pair_capacity, m->pair_count + 1, sizeof *m->pairs, "modifiers", err));
    size_t i = m->pair_count++;
    for (; i > 0 && m->pairs[i - 1].noun > pair.noun; i--) m->pairs[i] = m->pairs[i - 1];
    m->pairs[i] = pair;
    return MASK_OK;
}

static bool read_numbers(const char *line, uint32_t numbers[3])
{
    for (int i = 0; i < 3; i++) {
        char *end;
        if (*line < '0' || *line > '9') return false;
        unsigned long value = strtoul(line, &end, 10);
        if (value >= UINT32_MAX || *end != (i < 2 ? '\t' : '\0')) return false;
        numbers[i] = (uint32_t)value;
        line = end + 1;
    }
    return true;
}

static mask_status read_file(mask__modifiers *m, mask__stream *stream, mask_error *err)
{
    for (;;) {
        char *line;
        size_t length;
        uint32_t n[3], last = m->entry_count ? m->entries[m->entry_count - 1].text : 0;
        MASK__TRY(mask__stream_line(stream, LINE_BYTES, &line, &length, err));
        if (!line) return MASK_OK;
        if (!read_numbers(line, n) || n[0] < last)
            return mask__fail_at(
                err, MASK_EFORMAT, mask__stream_offset(stream),
                "%s: line %llu: needs three whole numbers set apart by tabs, rising by the first: text, "
                "position of the modifier, position of the noun",
                m->path, (unsigned long long)mask__stream_line_number(stream));
        MASK__TRY(mask__room(&m->entries, &m->entry_capacity, m->entry_count + 1, sizeof *m->entries, m->path, err));
        m->entries[m->entry_count++] = (entry){n[0], {n[1], n[2]}};
    }
}

static mask_status open_file(mask__modifiers *m, const char *path, mask_error *err)
{
    mask__stream *stream;
    if (!(m->path = strdup(path))) return mask__no_memory(err, path);
    MASK__TRY(mask__stream_open(&stream, path, err));
    mask_status status = read_file(m, stream, err);
    mask__stream_close(stream);
    return status;
}

static mask_status take_entries(mask__modifiers *m, const mask__tokens *tokens, mask_error *err)
{
    for (; m->at < m->entry_count && m->entries[m->at].text == m->text; m->at++) {
        mask__modifier pair = m->entries[m->at].pair;
        if (pair.modifier >= tokens->count || pair.noun >= tokens->count || pair.modifier == pair.noun)
            return mask__fail(
                err, MASK_EMISMATCH,
                "%s: line %zu: text %u has %zu tokens, not a modifier at %u and a noun at %u: make the file "
                "of these texts",
                m->path, m->at + 1, m->text, tokens->count, pair.modifier, pair.noun);
        MASK__TRY(add_pair(m, pair, err));
    }
    return MASK_OK;
}

mask_status mask__modifiers_open(mask__modifiers **out, const char *path, mask_error *err)
{
    *out = NULL;
    if (!path)
        return mask__fail(err, MASK_EINVAL,
                          "adjectives need a table of which words modify which: give its path as modifiers");
    mask__modifiers *m = *out = calloc(1, sizeof *m);
    if (!m) return mask__no_memory(err, "modifiers");
    mask_status status = open_file(m, path, err);
    if (status == MASK_OK) return MASK_OK;
    mask__modifiers_close(m);
    *out = NULL;
    return status;
}

void mask__modifiers_close(mask__modifiers *m)
{
    if (!m) return;
    free(m->path);
    free(m->entries);
    free(m->pairs);
    free(m);
}

mask_status mask__modifiers_next(mask__modifiers *m, const mask__tokens *tokens, const mask__modifier **pairs,
                                 size_t *count, mask_error *err)
{
    m->pair_count = 0;
    mask_status status = take_entries(m, tokens, err);
    m->text++;
    *pairs = m->pairs;
    *count = m->pair_count;
    return status;
}
