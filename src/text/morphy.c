#include "text/morphy.h"

#include <stdio.h>
#include <string.h>

#define JOINTS "-_"

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
        return mask__fail(err, MASK_EINVAL, "WordNet: the path of its folder is too long");
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

/* The first base form that the list of exceptions has for a word, and its length; NULL = none. */
static const char *exception(const mask__morphy *m, const char *word, size_t length, mask__part part, size_t *size)
{
    const mask__map *list = &m->exceptions[part];
    const char *at = find(list, word, length);
    if (at) at = next_field(at, (const char *)list->data + list->size, size);
    return at && *size ? at : NULL;
}

/* False when there is no room. */
static bool append(char base[MASK__MORPHY_BYTES], const char *text, size_t length)
{
    size_t used = strlen(base);
    if (used + length >= MASK__MORPHY_BYTES) return false;
    memcpy(base + used, text, length);
    base[used + length] = '\0';
    return true;
}

/* Whether the index has the word, however it is joined: t-shirt, t_shirt, tshirt. */
static bool defined(const mask__morphy *m, const char *word, mask__part part)
{
    if (mask__morphy_has(m, word, part)) return true;
    for (const char *joint = "-_"; word[strcspn(word, JOINTS)]; joint++) {
        char other[MASK__MORPHY_BYTES];
        size_t used = 0;
        for (const char *c = word; *c; c++)
            if (!strchr(JOINTS, *c)) other[used++] = *c;
            else if (*joint) other[used++] = *joint;
        if (find(&m->index[part], other, used)) return true;
        if (!*joint) break;
    }
    return false;
}

/* The word with a rule applied; false where the rule does not fit. */
static bool apply(const struct rule *rule, const char *word, size_t length, char base[MASK__MORPHY_BYTES])
{
    size_t size = strlen(rule->suffix);
    base[0] = '\0';
    return length > size && memcmp(word + length - size, rule->suffix, size) == 0 &&
           append(base, word, length - size) && append(base, rule->instead, strlen(rule->instead));
}

/* The base form of a word by the exceptions, else by the first rule whose result the index has; it may be the word
 * itself. "boxesful" keeps its "ful". */
static bool base_form(const mask__morphy *m, const char *word, size_t length, mask__part part,
                      char base[MASK__MORPHY_BYTES])
{
    const char *tail = "";
    size_t size;
    const char *listed = exception(m, word, length, part, &size);
    base[0] = '\0';
    if (listed) return append(base, listed, size);
    if (part == MASK__NOUN && length > 3 && memcmp(word + length - 3, "ful", 3) == 0) {
        tail = "ful";
        length -= 3;
    } else if (part == MASK__NOUN && (length <= 2 || memcmp(word + length - 2, "ss", 2) == 0)) {
        return false;
    }
    for (const struct rule *rule = rules[part]; rule->suffix; rule++)
        if (apply(rule, word, length, base) && defined(m, base, part)) return append(base, tail, strlen(tail));
    return false;
}

/* Each part of a joined word in its base form, where WordNet has the whole: "test-drives" is test-drive. */
static bool joined_base(const mask__morphy *m, const char *word, mask__part part, char base[MASK__MORPHY_BYTES])
{
    size_t joints = 0;
    for (const char *c = word; *(c += strcspn(c, JOINTS)); c += strspn(c, JOINTS)) joints++;
    base[0] = '\0';
    for (const char *at = word, *stop;; at = stop + 1) {
        char of_part[MASK__MORPHY_BYTES];
        stop = at + (joints ? strcspn(at, JOINTS) : strlen(at));
        bool other = base_form(m, at, (size_t)(stop - at), part, of_part);
        if (!append(base, other ? of_part : at, other ? strlen(of_part) : (size_t)(stop - at))) return false;
        if (!joints--) return strcmp(base, word) != 0 && defined(m, base, part);
        if (!append(base, stop, 1)) return false;
    }
}

void mask__morphy_bases(const mask__morphy *m, const char *word, mask__part part, mask__morphy_user *each,
                        void *context)
{
    const char *end = (const char *)m->exceptions[part].data + m->exceptions[part].size;
    size_t length = strlen(word), size = 0;
    const char *at = exception(m, word, length, part, &size);
    char base[MASK__MORPHY_BYTES];
    if (at && !(size == length && memcmp(at, word, size) == 0)) {
        for (; size; at = next_field(at + size, end, &size))
            if (!each(context, at, size)) return;
        return;
    }
    bool found = part != MASK__VERB && base_form(m, word, length, part, base) && strcmp(base, word) != 0;
    if (found || joined_base(m, word, part, base)) each(context, base, strlen(base));
}
