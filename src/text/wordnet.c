/* WordNet: lemmas and compounds, asked of Debian's libwordnet.
 *
 * That library reads its database through global file handles and static buffers, so one lock serialises every call.
 * The lock, what it guards and WordNet's own state are the one exception to "the library has no mutable globals": a
 * second copy of WordNet cannot exist in a process. Answers cost tens of microseconds: callers cache them.
 * It refuses to hand WordNet anything its fixed buffers were not made for: long words, other characters than letters,
 * hyphen, apostrophe and underscore, and long paths in WNSEARCHDIR or WNHOME (WordNet would abort). */
#include "text/wordnet.h"

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
    if (state == NOT_TRIED) state = wninit() == 0 && morphinit() == 0 ? OPENED : FAILED;
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

/* Adds the base forms of a word in one part of speech that WordNet has and that are not there yet. */
static size_t add_lemmas(const char *word, int part, char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES], size_t count)
{
    char asked[MASK__LEMMA_BYTES];
    memcpy(asked, word, strlen(word) + 1);
    for (const char *base = morphstr(asked, part); base; base = morphstr(NULL, part)) {
        if (count == MASK__LEMMAS) break;
        size_t length = strlen(base);
        if (length == 0 || length >= MASK__LEMMA_BYTES || strcmp(base, word) == 0) continue;
        memcpy(lemmas[count], base, length + 1);
        bool known = false;
        for (size_t i = 0; i < count; i++) known = known || strcmp(lemmas[i], base) == 0;
        if (!known && in_wn(lemmas[count], part)) count++;
    }
    return count;
}

size_t mask__wordnet_lemmas(const char *word, size_t length, char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES],
                            size_t *nouns)
{
    static const int parts[] = {NOUN, VERB, ADJ};
    char text[MASK__LEMMA_BYTES] = {0};
    size_t count = 0;
    if (nouns) *nouns = 0;
    if (!acceptable(word, length)) return 0;
    memcpy(text, word, length);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < 3 && state == OPENED; i++) {
        count = add_lemmas(text, parts[i], lemmas, count);
        if (i == 0 && nouns) *nouns = count;
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
    if (in_wn(joined, NOUN)) return true;
    if (strlen(first) < SHORTEST_PART || strlen(second) < SHORTEST_PART || in_wn(first, ADJ)) return false;
    joined[strlen(first)] = '-';
    if (in_wn(joined, NOUN)) return true;
    stpcpy(stpcpy(joined, first), second);
    return in_wn(joined, NOUN);
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
        size_t count = found ? 0 : add_lemmas(tail, NOUN, tails, 0);
        for (size_t i = 0; i < count && !found; i++) found = join(head, tails[i], lemma);
    }
    pthread_mutex_unlock(&lock);
    return found;
}
