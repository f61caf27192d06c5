#include "knowledge/dictionary.h"

#include <stdlib.h>

mask__dictionary *mask__dictionary_new(void)
{
    mask__dictionary *d = calloc(1, sizeof *d);
    if (d && pthread_mutex_init(&d->lock, NULL) == 0) return d;
    free(d);
    return NULL;
}

static void empty(mask__dictionary *d)
{
    mask__morphy_close(&d->wordnet);
    mask__strings_free(&d->solids);
    free(d->solid_words);
    d->solid_words = NULL;
    d->solid_capacity = 0;
}

void mask__dictionary_free(mask__dictionary *d)
{
    if (!d) return;
    empty(d);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

size_t mask__solid(const char *word, size_t length, char out[MASK__SOLID_BYTES])
{
    size_t n = 0;
    if (length > MASK__SOLID_BYTES) return 0;
    for (size_t i = 0; i < length; i++)
        if (word[i] != '_' && word[i] != '-') out[n++] = word[i];
    return n;
}

/* Compounds are named FIRST_SECOND, or have a hyphen. Of two that differ by that alone the first counts. */
static mask_status index_compounds(mask__dictionary *d, const mask__strings *words, mask_error *err)
{
    for (size_t i = 0; i < words->count; i++) {
        char letters[MASK__SOLID_BYTES];
        size_t length;
        uint32_t index;
        bool added;
        const char *word = mask__strings_get(words, i, &length);
        size_t n = mask__solid(word, length, letters);
        if (n == 0 || n == length) continue;
        MASK__TRY(mask__strings_intern(&d->solids, letters, n, &index, &added, err));
        if (!added) continue;
        MASK__TRY(mask__room(&d->solid_words, &d->solid_capacity, index + (size_t)1, sizeof *d->solid_words,
                             "the words of texts", err));
        d->solid_words[index] = (uint32_t)i;
    }
    return MASK_OK;
}

mask_status mask__dictionary_open(mask__dictionary *d, const mask__strings *words, mask_error *err)
{
    mask_status status = MASK_OK;
    pthread_mutex_lock(&d->lock);
    if (!d->open) {
        status = mask__wordnet_open(&d->wordnet, err);
        if (status == MASK_OK) status = index_compounds(d, words, err);
        d->open = status == MASK_OK;
        if (!d->open) empty(d);
    }
    pthread_mutex_unlock(&d->lock);
    return status;
}

uint32_t mask__dictionary_compound(const mask__dictionary *d, const char *solid, size_t length)
{
    uint32_t at = mask__strings_find(&d->solids, solid, length);
    return at == MASK__NOT_FOUND ? MASK__NOT_FOUND : d->solid_words[at];
}
