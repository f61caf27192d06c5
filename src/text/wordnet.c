/* WordNet: lemmas and compounds, asked of its mapped files (morphy.h) and, where words have hyphens, of Debian's
 * libwordnet.
 *
 * That library reads its database through global file handles and static buffers, so one lock serialises every call.
 * The lock, what it guards and WordNet's own state are the one exception to "the library has no mutable globals": a
 * second copy of WordNet cannot exist in a process. Its answers cost tens to hundreds of microseconds, those of
 * the mapped files a few: callers cache them.
 * It refuses to hand WordNet anything its fixed buffers were not made for: long words, other characters than letters,
 * hyphen, apostrophe and underscore, and long paths in WNSEARCHDIR or WNHOME (WordNet would abort). */
#include "text/wordnet.h"
#include "text/morphy.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable" /* wn.h defines two licence texts in every file */
#include <wn.h>
#pragma GCC diagnostic pop

enum {
    PATH_BYTES = 200,
    SHORTEST_PART = 3, /* shorter words meet by chance in others ("be at", "car a van") */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum { NOT_TRIED, OPENED, FAILED } state; /* guarded by lock */
static mask__morphy morphy;                      /* written once, under the lock, when state becomes OPENED */

static bool short_path(const char *variable)
{
    const char *path = getenv(variable);
    return !path || strlen(path) < PATH_BYTES;
}

mask_status mask__wordnet_open(mask_error *err)
{
    if (!short_path("WNSEARCHDIR") || !short_path("WNHOME"))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "WordNet: the path in WNSEARCHDIR or WNHOME is over %d bytes: use a shorter one", PATH_BYTES);
    mask_status status = MASK_OK;
    pthread_mutex_lock(&lock);
    /* Only one try: a failed one leaves files open that WordNet forgets. */
    if (state == NOT_TRIED)
        state = wninit() == 0 && morphinit() == 0 && mask__morphy_open(&morphy, SetSearchdir(), NULL) == MASK_OK
                    ? OPENED
                    : FAILED;
    if (state == FAILED)
        status = mask__fail(err, MASK_EIO, MASK_NO_OFFSET,
                            "WordNet: its database (index.noun, noun.exc and others) is not in %s: install the package "
                            "wordnet-base, or set WNSEARCHDIR to its folder, and start again",
                            SetSearchdir());
    pthread_mutex_unlock(&lock);
    return status;
}

static bool acceptable(const char *word, size_t length)
{
    if (length == 0 || length >= MASK__LEMMA_BYTES) return false;
    for (size_t i = 0; i < length; i++) {
        char c = word[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(i > 0 && strchr("-'_", c) && c)) return false;
    }
    return true;
}

static bool has(const char *word, mask__part part)
{
    return mask__morphy_has(&morphy, word, part);
}

typedef struct lemma_list {
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
    if (!known && has(lemma, list->part)) list->count++;
    return true;
}

static bool is_plain(const char *word)
{
    for (; *word; word++)
        if (!(*word >= 'a' && *word <= 'z') && *word != '\'') return false;
    return true;
}

/* Adds the base forms of a word in one part of speech. */
static size_t add_lemmas(const char *word, mask__part part, char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES], size_t count)
{
    static const int theirs[] = {[MASK__NOUN] = NOUN, [MASK__VERB] = VERB, [MASK__ADJECTIVE] = ADJ};
    lemma_list list = {word, part, lemmas, count};
    if (is_plain(word)) {
        mask__morphy_bases(&morphy, word, part, add_lemma, &list);
        return list.count;
    }
    char asked[MASK__LEMMA_BYTES];
    memcpy(asked, word, strlen(word) + 1);
    for (const char *base = morphstr(asked, theirs[part]); base; base = morphstr(NULL, theirs[part]))
        if (!add_lemma(&list, base, strlen(base))) break;
    return list.count;
}

size_t mask__wordnet_lemmas(const char *word, size_t length, char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES],
                            size_t *nouns)
{
    char text[MASK__LEMMA_BYTES] = {0};
    size_t count = 0;
    if (nouns) *nouns = 0;
    if (!acceptable(word, length)) return 0;
    memcpy(text, word, length);
    pthread_mutex_lock(&lock);
    for (mask__part part = MASK__NOUN; part < MASK__PARTS && state == OPENED; part++) {
        count = add_lemmas(text, part, lemmas, count);
        if (part == MASK__NOUN && nouns) *nouns = count;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

/* Whether the two are a noun when written with an underscore, a hyphen or nothing between; `joined` gets it. An
 * adjective is not run together with its noun: "red coat" is no redcoat, "black shirt" no blackshirt. */
static bool join(char *first, const char *second, char joined[MASK__LEMMA_BYTES])
{
    if (strlen(first) + strlen(second) + 1 >= MASK__LEMMA_BYTES) return false;
    stpcpy(stpcpy(stpcpy(joined, first), "_"), second);
    if (has(joined, MASK__NOUN)) return true;
    if (strlen(first) < SHORTEST_PART || strlen(second) < SHORTEST_PART || has(first, MASK__ADJECTIVE)) return false;
    joined[strlen(first)] = '-';
    if (has(joined, MASK__NOUN)) return true;
    stpcpy(stpcpy(joined, first), second);
    return has(joined, MASK__NOUN);
}

bool mask__wordnet_compound(const char *first, size_t first_length, const char *second, size_t second_length,
                            char lemma[MASK__LEMMA_BYTES])
{
    char head[MASK__LEMMA_BYTES] = {0}, tail[MASK__LEMMA_BYTES] = {0}, tails[MASK__LEMMAS][MASK__LEMMA_BYTES];
    bool found = false;
    if (!acceptable(first, first_length) || !acceptable(second, second_length)) return false;
    memcpy(head, first, first_length);
    memcpy(tail, second, second_length);
    pthread_mutex_lock(&lock);
    if (state == OPENED) {
        found = join(head, tail, lemma);
        size_t count = found ? 0 : add_lemmas(tail, MASK__NOUN, tails, 0);
        for (size_t i = 0; i < count && !found; i++) found = join(head, tails[i], lemma);
    }
    pthread_mutex_unlock(&lock);
    return found;
}
