/* What texts are read with by the CAPTION rule besides the words themselves: WordNet, and the knowledge's compounds
 * written as one word. Opening it takes longer than reading a text, so a knowledge has one for all its lexicons, opened
 * by the first. */
#ifndef MASK_KNOWLEDGE_DICTIONARY_H
#define MASK_KNOWLEDGE_DICTIONARY_H

#include "base/memory.h"
#include "base/strings.h"
#include "text/wordnet.h"

#include <pthread.h>

typedef struct mask__dictionary {
    mask__morphy wordnet;
    mask__strings solids;  /* hotdog for hot_dog */
    uint32_t *solid_words; /* which word of the knowledge each of them is */
    size_t solid_capacity;
    pthread_mutex_t lock; /* of opening it */
    bool open;
} mask__dictionary;

/* One that has nothing yet; NULL when memory is short. */
mask__dictionary *mask__dictionary_new(void);
/* NULL is ignored. */
void mask__dictionary_free(mask__dictionary *dictionary);
/* Opens it for these words where that was not done. Many threads may do so, and read it afterwards. */
mask_status mask__dictionary_open(mask__dictionary *dictionary, const mask__strings *words, mask_error *err);

enum { MASK__SOLID_BYTES = 2 * MASK__LEMMA_BYTES };
/* A word without its joints: "hotdog" of hot_dog and of hot-dog. Returns its length; 0 = too long. */
size_t mask__solid(const char *word, size_t length, char out[MASK__SOLID_BYTES]);
/* The compound that is so written as one word; MASK__NOT_FOUND = none. */
uint32_t mask__dictionary_compound(const mask__dictionary *dictionary, const char *solid, size_t length);

#endif
