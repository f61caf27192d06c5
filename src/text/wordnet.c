#include "text/wordnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_PART = 3 /* shorter words meet by chance in others ("be at", "car a van") */ };

mask_status mask__wordnet_open(mask__morphy *m, mask_error *err)
{
    char folder[512];
    const char *chosen = getenv("WNSEARCHDIR"), *home = getenv("WNHOME");
    mask_error reason = {0};
    int length = snprintf(folder, sizeof folder, "%s%s",
                          chosen ? chosen
                          : home ? home
                                 : "/usr/share/wordnet",
                          !chosen && home ? "/dict" : "");
    if (length < 0 || (size_t)length >= sizeof folder)
        return mask__fail(err, MASK_EINVAL,
                          "WordNet: the path in WNSEARCHDIR or WNHOME is over %zu bytes: use a shorter one",
                          sizeof folder - 1);
    mask_status status = mask__morphy_open(m, folder, &reason);
    if (status == MASK_OK) return MASK_OK;
    return mask__fail(err, status,
                      "WordNet: its database (index.noun, noun.exc and others) is not in %s: install the package "
                      "wordnet-base, or set WNSEARCHDIR to its folder",
                      folder);
}

static bool acceptable(const char *word, size_t length)
{
    if (length == 0 || length >= MASK__LEMMA_BYTES) return false;
    for (size_t i = 0; i < length; i++) {
        char c = word[i];
        if (!(c >= 'a' && c <= 'z') && !(i > 0 && strchr("-'_", c) && c)) return false;
    }
    return true;
}

typedef struct lemma_list {
    const mask__morphy *morphy;
    const char *word;
    mask__part part;
    char (*lemmas)[MASK__LEMMA_BYTES];
    size_t count;
} lemma_list;

/* Adds a base form that WordNet has and that is not there yet. */
static bool add_lemma(void *context, const char *base, size_t length)
{
    lemma_list *list = context;
    if (list->count == MASK__LEMMAS) return false;
    if (length == 0 || length >= MASK__LEMMA_BYTES) return true;
    char *lemma = list->lemmas[list->count];
    memcpy(lemma, base, length);
    lemma[length] = 0;
    bool known = strcmp(lemma, list->word) == 0;
    for (size_t i = 0; i < list->count; i++) known = known || strcmp(list->lemmas[i], lemma) == 0;
    if (!known && mask__morphy_has(list->morphy, lemma, list->part)) list->count++;
    return true;
}

/* Adds the base forms of a word in one part of speech. */
static size_t add_lemmas(const mask__morphy *m, const char *word, mask__part part,
                         char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES], size_t count)
{
    lemma_list list = {m, word, part, lemmas, count};
    mask__morphy_bases(m, word, part, add_lemma, &list);
    return list.count;
}

size_t mask__wordnet_lemmas(const mask__morphy *m, const char *word, size_t length,
                            char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES], size_t *nouns)
{
    char text[MASK__LEMMA_BYTES] = {0};
    size_t count = 0;
    if (nouns) *nouns = 0;
    if (!acceptable(word, length)) return 0;
    memcpy(text, word, length);
    for (mask__part part = MASK__NOUN; part < MASK__PARTS; part++) {
        count = add_lemmas(m, text, part, lemmas, count);
        if (part == MASK__NOUN && nouns) *nouns = count;
    }
    return count;
}

/* Whether the two are a noun when written with an underscore, a hyphen or nothing between; `joined` gets it. An
 * adjective is not run together with its noun: "red coat" is no redcoat, "black shirt" no blackshirt. */
static bool join(const mask__morphy *m, char *first, const char *second, char joined[MASK__LEMMA_BYTES])
{
    if (strlen(first) + strlen(second) + 1 >= MASK__LEMMA_BYTES) return false;
    stpcpy(stpcpy(stpcpy(joined, first), "_"), second);
    if (mask__morphy_has(m, joined, MASK__NOUN)) return true;
    if (strlen(first) < SHORTEST_PART || strlen(second) < SHORTEST_PART || mask__morphy_has(m, first, MASK__ADJECTIVE))
        return false;
    joined[strlen(first)] = '-';
    if (mask__morphy_has(m, joined, MASK__NOUN)) return true;
    stpcpy(stpcpy(joined, first), second);
    return mask__morphy_has(m, joined, MASK__NOUN);
}

bool mask__wordnet_compound(const mask__morphy *m, const char *first, size_t first_length, const char *second,
                            size_t second_length, char lemma[MASK__LEMMA_BYTES])
{
    char head[MASK__LEMMA_BYTES] = {0}, tail[MASK__LEMMA_BYTES] = {0}, tails[MASK__LEMMAS][MASK__LEMMA_BYTES];
    if (!acceptable(first, first_length) || !acceptable(second, second_length)) return false;
    memcpy(head, first, first_length);
    memcpy(tail, second, second_length);
    if (join(m, head, tail, lemma)) return true;
    size_t count = add_lemmas(m, tail, MASK__NOUN, tails, 0);
    for (size_t i = 0; i < count; i++)
        if (join(m, head, tails[i], lemma)) return true;
    return false;
}
