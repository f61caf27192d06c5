#include "text/modifiers.h"
#include "base/memory.h"
#include "base/stream.h"

#include <link-grammar/link-includes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOKENS = 100, MOST_LINKAGES = 100, SECONDS = 1, LINE_BYTES = 256 };

/* One line of the file. */
typedef struct entry {
    uint32_t text;
    mask__modifier pair;
} entry;

struct mask__modifiers {
    Dictionary dictionary; /* NULL = from a file */
    Parse_Options options;
    char *sentence;
    size_t *starts; /* of the tokens in the sentence */
    size_t sentence_capacity, start_capacity;
    char *path;
    entry *entries;
    size_t entry_count, entry_capacity, at;
    uint32_t text; /* the next one's number */
    mask__modifier *pairs;
    size_t pair_count, pair_capacity;
};

/* link-grammar prints its complaints unless somebody takes them; the program's own handler comes back afterwards. */
static void take_complaint(lg_errinfo *complaint, void *data)
{
    (void)complaint, (void)data;
}

static mask_status add_pair(mask__modifiers *m, mask__modifier pair, mask_error *err)
{
    if (!mask__grow(&m->pairs, &m->pair_capacity, m->pair_count + 1, sizeof *m->pairs))
        return mask__no_memory(err, "modifiers");
    size_t i = m->pair_count++;
    for (; i > 0 && m->pairs[i - 1].noun > pair.noun; i--) m->pairs[i] = m->pairs[i - 1];
    m->pairs[i] = pair;
    return MASK_OK;
}

/* ---- Parsing ---- */

static mask_status open_dictionary(mask__modifiers *m, mask_error *err)
{
    const void *data = lg_error_set_handler_data(NULL);
    lg_error_handler handler = lg_error_set_handler(take_complaint, NULL);
    m->dictionary = dictionary_create_lang("en");
    m->options = m->dictionary ? parse_options_create() : NULL;
    lg_error_set_handler(handler, (void *)(uintptr_t)data);
    if (!m->dictionary)
        return mask__fail(
            err, MASK_EIO, MASK_NO_OFFSET,
            "link-grammar's English dictionary cannot be opened: install link-grammar-dictionaries-en, or "
            "give modifiers as a file");
    if (!m->options) return mask__no_memory(err, "modifiers");
    parse_options_set_verbosity(m->options, 0);
    parse_options_set_spell_guess(m->options, 0);
    parse_options_set_linkage_limit(m->options, MOST_LINKAGES);
    parse_options_set_max_parse_time(m->options, SECONDS);
    return MASK_OK;
}

/* The tokens with single spaces between them, so that places lead back to tokens. */
static mask_status join(mask__modifiers *m, const mask__tokens *tokens, mask_error *err)
{
    size_t used = 0;
    if (!mask__grow(&m->starts, &m->start_capacity, tokens->count + 1, sizeof *m->starts))
        return mask__no_memory(err, "modifiers");
    for (size_t i = 0; i < tokens->count; i++) {
        const mask__token *t = &tokens->items[i];
        if (!mask__grow(&m->sentence, &m->sentence_capacity, used + t->length + 2, 1))
            return mask__no_memory(err, "modifiers");
        m->starts[i] = used;
        memcpy(m->sentence + used, t->text, t->length);
        used += t->length;
        m->sentence[used++] = ' ';
    }
    m->starts[tokens->count] = used;
    m->sentence[used] = '\0';
    return MASK_OK;
}

static uint32_t token_at(const mask__modifiers *m, size_t count, size_t byte)
{
    uint32_t i = 0;
    while (i + 1 < count && m->starts[i + 1] <= byte) i++;
    return i;
}

/* "A" and "AN", whatever their subscripts. */
static bool modifies(const char *label)
{
    size_t length = strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return (length == 1 && label[0] == 'A') || (length == 2 && label[0] == 'A' && label[1] == 'N');
}

static mask_status read_links(mask__modifiers *m, const mask__tokens *tokens, const Linkage linkage, mask_error *err)
{
    size_t links = linkage_get_num_links(linkage);
    for (LinkIdx i = 0; i < links; i++) {
        if (!modifies(linkage_get_link_label(linkage, i))) continue;
        size_t left = linkage_get_word_byte_start(linkage, linkage_get_link_lword(linkage, i));
        size_t right = linkage_get_word_byte_start(linkage, linkage_get_link_rword(linkage, i));
        mask__modifier pair = {token_at(m, tokens->count, left), token_at(m, tokens->count, right)};
        if (pair.modifier != pair.noun) MASK__TRY(add_pair(m, pair, err));
    }
    return MASK_OK;
}

/* Whole sentences first; captions are often none, so then with words that no link reaches. */
static int parse_sentence(const mask__modifiers *m, Sentence sentence)
{
    Parse_Options o = m->options;
    parse_options_reset_resources(o);
    parse_options_set_min_null_count(o, 0);
    parse_options_set_max_null_count(o, 0);
    parse_options_set_islands_ok(o, false);
    if (sentence_split(sentence, o) != 0) return 0;
    int found = sentence_parse(sentence, o);
    if (found != 0) return found;
    parse_options_reset_resources(o);
    parse_options_set_min_null_count(o, 1);
    parse_options_set_max_null_count(o, sentence_length(sentence));
    parse_options_set_islands_ok(o, true);
    return sentence_parse(sentence, o);
}

static mask_status parse(mask__modifiers *m, const mask__tokens *tokens, mask_error *err)
{
    mask_status status = join(m, tokens, err);
    if (status != MASK_OK) return status;
    const void *data = lg_error_set_handler_data(NULL);
    lg_error_handler handler = lg_error_set_handler(take_complaint, NULL);
    Sentence sentence = sentence_create(m->sentence, m->dictionary);
    Linkage linkage = sentence && parse_sentence(m, sentence) > 0 ? linkage_create(0, sentence, m->options) : NULL;
    if (linkage) {
        status = read_links(m, tokens, linkage, err);
        linkage_delete(linkage);
    }
    if (sentence) sentence_delete(sentence);
    lg_error_set_handler(handler, (void *)(uintptr_t)data);
    return status;
}

/* ---- From a file ---- */

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
            return mask__fail(err, MASK_EFORMAT, mask__stream_offset(stream),
                              "%s: line %llu: needs three whole numbers set apart by tabs, rising by the first: text, "
                              "position of the modifier, position of the noun",
                              m->path, (unsigned long long)mask__stream_line_number(stream));
        if (!mask__grow(&m->entries, &m->entry_capacity, m->entry_count + 1, sizeof *m->entries))
            return mask__no_memory(err, m->path);
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
                err, MASK_EMISMATCH, MASK_NO_OFFSET,
                "%s: line %zu: text %u has %zu tokens, not a modifier at %u and a noun at %u: make the file "
                "of these texts",
                m->path, m->at + 1, m->text, tokens->count, pair.modifier, pair.noun);
        MASK__TRY(add_pair(m, pair, err));
    }
    return MASK_OK;
}

/* ---- Both ---- */

mask_status mask__modifiers_open(mask__modifiers **out, const char *path, mask_error *err)
{
    mask__modifiers *m = *out = calloc(1, sizeof *m);
    if (!m) return mask__no_memory(err, "modifiers");
    mask_status status = path ? open_file(m, path, err) : open_dictionary(m, err);
    if (status == MASK_OK) return MASK_OK;
    mask__modifiers_close(m);
    *out = NULL;
    return status;
}

void mask__modifiers_close(mask__modifiers *m)
{
    if (!m) return;
    if (m->options) parse_options_delete(m->options);
    if (m->dictionary) dictionary_delete(m->dictionary);
    free(m->sentence);
    free(m->starts);
    free(m->path);
    free(m->entries);
    free(m->pairs);
    free(m);
}

mask_status mask__modifiers_next(mask__modifiers *m, const mask__tokens *tokens, const mask__modifier **pairs,
                                 size_t *count, mask_error *err)
{
    m->pair_count = 0;
    mask_status status = MASK_OK;
    if (!m->dictionary) status = take_entries(m, tokens, err);
    else if (tokens->count > 1 && tokens->count <= MOST_TOKENS) status = parse(m, tokens, err);
    m->text++;
    *pairs = m->pairs;
    *count = m->pair_count;
    return status;
}
