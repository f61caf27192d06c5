#include "text/morphy.h"

#include <stdio.h>
#include <string.h>

static const struct rule {
    const char *suffix, *instead;
} rules[MASK__PARTS][9] = {
    [MASK__NOUN] = {{"s", ""},
                    {"ses", "s"},
                    {"xes", "x"},
                    {"zes", "z"},
                    {"ches", "ch"},
                    {"shes", "sh"},
                    {"men", "man"},
                    {"ies", "y"}},
    [MASK__VERB] =
        {{"s", ""}, {"ies", "y"}, {"es", "e"}, {"es", ""}, {"ed", "e"}, {"ed", ""}, {"ing", "e"}, {"ing", ""}},
    [MASK__ADJECTIVE] = {{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}},
};

static mask_status map_file(mask__map *map, const char *folder, const char *name, mask_error *err)
{
    char path[512];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "WordNet: the path of its folder is too long");
    return mask__map_open(map, path, err);
}

mask_status mask__morphy_open(mask__morphy *m, const char *folder, mask_error *err)
{
    static const char *const index[] = {"index.noun", "index.verb", "index.adj"};
    static const char *const exceptions[] = {"noun.exc", "verb.exc", "adj.exc"};
    mask_status status = MASK_OK;
    *m = (mask__morphy){0};
    for (mask__part part = MASK__NOUN; status == MASK_OK && part < MASK__PARTS; part++) {
        status = map_file(&m->index[part], folder, index[part], err);
        if (status == MASK_OK) status = map_file(&m->exceptions[part], folder, exceptions[part], err);
    }
    if (status != MASK_OK) mask__morphy_close(m);
    return status;
}

void mask__morphy_close(mask__morphy *m)
{
    for (mask__part part = MASK__NOUN; part < MASK__PARTS; part++) {
        mask__map_close(&m->index[part]);
        mask__map_close(&m->exceptions[part]);
    }
}

/* Compares a word with the first field of the line at `line`, which a space, a line's end or the file's end closes. */
static int compare(const char *word, size_t length, const char *line, const char *end)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char a = (unsigned char)word[i], b = line + i < end ? (unsigned char)line[i] : 0;
        if (b == ' ' || b == '\n') b = 0;
        if (a != b) return a < b ? -1 : 1;
    }
    return line + length < end && line[length] != ' ' && line[length] != '\n' ? -1 : 0;
}

/* The first line whose first field is the word, behind that field; NULL = none. Lines are sorted by bytes. */
static const char *find(const mask__map *map, const char *word, size_t length)
{
    const char *text = (const char *)map->data, *end = text + map->size, *low = text, *high = end;
    const char *found = NULL;
    while (low < high) { /* the line, if any, begins in [low, high) */
        const char *line = low + (high - low) / 2;
        while (line > low && line[-1] != '\n') line--;
        int order = compare(word, length, line, end);
        if (order <= 0) {
            if (order == 0) found = line + length;
            high = line;
        } else {
            const char *next = memchr(line, '\n', (size_t)(end - line));
            low = next ? next + 1 : end;
        }
    }
    return found;
}

bool mask__morphy_has(const mask__morphy *m, const char *word, mask__part part)
{
    return find(&m->index[part], word, strlen(word)) != NULL;
}

/* The next field of a line, whose length is 0 at its end. */
static const char *next_field(const char *at, const char *end, size_t *length)
{
    const char *stop;
    while (at < end && *at == ' ') at++;
    for (stop = at; stop < end && *stop != ' ' && *stop != '\n'; stop++) {
    }
    *length = (size_t)(stop - at);
    return at;
}

static bool ends_with(const char *word, size_t length, const char *suffix)
{
    size_t size = strlen(suffix);
    return length >= size && memcmp(word + length - size, suffix, size) == 0;
}

/* The first rule whose result the index has. "boxesful" keeps its "ful". */
static void apply_rules(const mask__morphy *m, const char *word, size_t length, mask__part part,
                        mask__morphy_user *each, void *context)
{
    char base[MASK__MORPHY_BYTES + 8];
    const char *tail = "";
    if (part == MASK__NOUN && ends_with(word, length, "ful")) {
        tail = "ful";
        length -= 3;
    } else if (part == MASK__NOUN && (ends_with(word, length, "ss") || length <= 2)) {
        return;
    }
    for (const struct rule *rule = rules[part]; rule->suffix; rule++) {
        if (!ends_with(word, length, rule->suffix)) continue;
        size_t stem = length - strlen(rule->suffix);
        memcpy(base, word, stem);
        char *stop = stpcpy(base + stem, rule->instead);
        if (stop == base || !find(&m->index[part], base, (size_t)(stop - base))) continue;
        stop = stpcpy(stop, tail);
        each(context, base, (size_t)(stop - base));
        return;
    }
}

void mask__morphy_bases(const mask__morphy *m, const char *word, mask__part part, mask__morphy_user *each,
                        void *context)
{
    const mask__map *exceptions = &m->exceptions[part];
    const char *end = (const char *)exceptions->data + exceptions->size;
    size_t length = strlen(word), size;
    const char *at = find(exceptions, word, length);
    if (!at) {
        apply_rules(m, word, length, part, each, context);
        return;
    }
    at = next_field(at, end, &size);
    if (size == length && memcmp(at, word, size) == 0) return; /* listed as its own base form */
    for (; size; at = next_field(at + size, end, &size))
        if (!each(context, at, size)) return;
}
