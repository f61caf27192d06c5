#include "knowledge/labelwords.h"
#include "base/memory.h"
#include "annotations/labels.h"
#include "math/vector.h"
#include "text/tokens.h"
#include "text/wordnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRESS_STEP = 1 << 14 };

/* Answers for tokens and adjacent pairs, each found once. */
typedef struct reader {
    mask__label_words *out;
    const mask_vectors *vectors;
    mask__morphy wordnet;
    mask_tokens rule;
    mask__strings tokens, pairs;
    uint32_t *token_words, *pair_words; /* word index or MASK__NOT_FOUND */
    size_t token_capacity, pair_capacity;
    unsigned weight;         /* regions that what is read stands for */
    float *vector, *scratch; /* N */
} reader;

/* The index of a word, added with its unit vector when new. */
static mask_status intern_word(reader *r, const char *word, size_t length, uint32_t *index, mask_error *err)
{
    mask__label_words *w = r->out;
    size_t n = mask_vectors_dim(r->vectors);
    bool added;
    MASK__TRY(mask__strings_intern(&w->words, word, length, index, &added, err));
    if (!added) return MASK_OK;
    MASK__TRY(mask__room(&w->vectors, &w->vectors_capacity, w->words.count, n * sizeof *w->vectors,
                         "the words of the labels", err));
    MASK__TRY(
        mask__room(&w->counts, &w->counts_capacity, w->words.count, sizeof *w->counts, "the words of the labels", err));
    memcpy(w->vectors + *index * n, r->vector, n * sizeof *w->vectors);
    w->counts[*index] = 0;
    return MASK_OK;
}

static bool unit_vector(const mask_vectors *vectors, const char *word, size_t length, float *out)
{
    int64_t row = mask_vectors_find(vectors, word, length);
    if (row < 0) return false;
    mask_vectors_get(vectors, (size_t)row, out);
    return mask__normalise(out, mask_vectors_dim(vectors)) > 0;
}

/* The vector of a spelling of "first_second", or of a name that is one word ("speedboat"). Without WordNet's word for
 * it, writing the two as one proves nothing: "black shirt" is no blackshirt. */
static bool joined_vector(const mask_vectors *vectors, const char *name, bool solid, float *vector)
{
    static const char *const joints[] = {"_", "-", ""};
    const char *joint = strchr(name, '_');
    if (!joint) return unit_vector(vectors, name, strlen(name), vector);
    for (size_t i = 0; i < (solid ? 3 : 2); i++) {
        char spelled[MASK__LEMMA_BYTES + 1];
        int length = snprintf(spelled, sizeof spelled, "%.*s%s%s", (int)(joint - name), name, joints[i], joint + 1);
        if (unit_vector(vectors, spelled, (size_t)length, vector)) return true;
    }
    return false;
}

static bool mean_vector(const mask_vectors *vectors, mask__token first, mask__token second, float *vector, float *other)
{
    size_t n = mask_vectors_dim(vectors);
    if (!unit_vector(vectors, first.text, first.length, vector) ||
        !unit_vector(vectors, second.text, second.length, other))
        return false;
    mask__axpy(1, other, vector, n);
    return mask__normalise(vector, n) > 0;
}

/* Two adjacent words that are one: "hot dogs" is hot_dog, "speed boat" speedboat, as WordNet has them as a noun or the
 * vectors spell the two joined (hot_dog, hot-dog). name gets the compound's name, vector (N floats) its unit vector:
 * the joined spelling's, else the mean of the two words' unit vectors; scratch holds N floats. False too when neither
 * gives a vector. Asks WordNet: cache the answer. */
static bool find_compound(const mask__morphy *wordnet, const mask_vectors *vectors, mask__token first,
                          mask__token second, char name[MASK__LEMMA_BYTES], float *vector, float *scratch)
{
    char lemma[MASK__LEMMA_BYTES];
    if (first.length + second.length + 2 > MASK__LEMMA_BYTES || memchr(first.text, '_', first.length) ||
        memchr(second.text, '_', second.length))
        return false;
    snprintf(name, MASK__LEMMA_BYTES, "%.*s_%.*s", (int)first.length, first.text, (int)second.length, second.text);
    if (!mask__wordnet_compound(wordnet, first.text, first.length, second.text, second.length, lemma))
        return joined_vector(vectors, name, false, vector);
    snprintf(name, MASK__LEMMA_BYTES, "%s", lemma);
    return joined_vector(vectors, name, true, vector) || mean_vector(vectors, first, second, vector, scratch);
}

static mask_status find_token(reader *r, const char *token, size_t length, uint32_t *word, mask_error *err)
{
    char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES];
    size_t lemma_count;
    *word = MASK__NOT_FOUND;
    if (mask__tokens_dropped(r->rule, token, length)) return MASK_OK;
    if (unit_vector(r->vectors, token, length, r->vector)) return intern_word(r, token, length, word, err);
    if (r->rule != MASK_TOKENS_CAPTION) return MASK_OK;
    lemma_count = mask__wordnet_lemmas(&r->wordnet, token, length, lemmas, NULL);
    for (size_t i = 0; i < lemma_count; i++)
        if (unit_vector(r->vectors, lemmas[i], strlen(lemmas[i]), r->vector))
            return intern_word(r, lemmas[i], strlen(lemmas[i]), word, err);
    return MASK_OK;
}

static mask_status token_word(reader *r, mask__token token, uint32_t *word, mask_error *err)
{
    uint32_t index;
    bool added;
    MASK__TRY(mask__strings_intern(&r->tokens, token.text, token.length, &index, &added, err));
    if (added) {
        MASK__TRY(mask__room(&r->token_words, &r->token_capacity, r->tokens.count, sizeof *r->token_words,
                             "the words of the labels", err));
        MASK__TRY(find_token(r, token.text, token.length, &r->token_words[index], err));
    }
    *word = r->token_words[index];
    return MASK_OK;
}

static mask_status pair_word(reader *r, mask__token first, mask__token second, uint32_t *word, mask_error *err)
{
    char joined[2 * MASK__LEMMA_BYTES], name[MASK__LEMMA_BYTES];
    uint32_t index;
    bool added;
    *word = MASK__NOT_FOUND;
    if (first.length + second.length + 1 > sizeof joined) return MASK_OK;
    memcpy(joined, first.text, first.length);
    joined[first.length] = ' ';
    memcpy(joined + first.length + 1, second.text, second.length);
    MASK__TRY(mask__strings_intern(&r->pairs, joined, first.length + second.length + 1, &index, &added, err));
    if (added) {
        MASK__TRY(mask__room(&r->pair_words, &r->pair_capacity, r->pairs.count, sizeof *r->pair_words,
                             "the words of the labels", err));
        r->pair_words[index] = MASK__NOT_FOUND;
        if (find_compound(&r->wordnet, r->vectors, first, second, name, r->vector, r->scratch))
            MASK__TRY(intern_word(r, name, strlen(name), &r->pair_words[index], err));
    }
    *word = r->pair_words[index];
    return MASK_OK;
}

/* Adds a word to the region that began at pairs_at, unless it has it. */
static mask_status add_pair(reader *r, size_t begin, uint32_t word, mask_error *err)
{
    mask__label_words *w = r->out;
    if (word == MASK__NOT_FOUND) return MASK_OK;
    for (size_t p = begin; p < w->pair_count; p++)
        if (w->pairs[p] == word) return MASK_OK;
    MASK__TRY(
        mask__room(&w->pairs, &w->pairs_capacity, w->pair_count + 1, sizeof *w->pairs, "the words of the labels", err));
    w->pairs[w->pair_count++] = word;
    w->counts[word] += r->weight;
    return MASK_OK;
}

/* A hyphenated token without a vector counts as its parts. */
static mask_status add_hyphen_parts(reader *r, mask__token token, size_t begin, mask_error *err)
{
    size_t start = 0;
    for (size_t i = 0; i <= token.length; i++) {
        uint32_t word;
        if (i < token.length && token.text[i] != '-') continue;
        mask__token part = {token.text + start, i - start};
        start = i + 1;
        if (part.length == 0) continue;
        MASK__TRY(token_word(r, part, &word, err));
        MASK__TRY(add_pair(r, begin, word, err));
    }
    return MASK_OK;
}

static mask_status read_label(reader *r, const char *label, mask__tokens *tokens, mask_error *err)
{
    size_t begin = r->out->pair_count;
    uint32_t word = MASK__NOT_FOUND, previous = MASK__NOT_FOUND;
    MASK__TRY(mask__tokens_split(tokens, r->rule, label, strlen(label), err));
    for (size_t i = 0; i < tokens->count; i++) {
        MASK__TRY(token_word(r, tokens->items[i], &word, err));
        MASK__TRY(add_pair(r, begin, word, err));
        if (r->rule == MASK_TOKENS_CAPTION && word == MASK__NOT_FOUND &&
            memchr(tokens->items[i].text, '-', tokens->items[i].length))
            MASK__TRY(add_hyphen_parts(r, tokens->items[i], begin, err));
        if (r->rule == MASK_TOKENS_CAPTION && previous != MASK__NOT_FOUND && word != MASK__NOT_FOUND) {
            uint32_t compound;
            MASK__TRY(pair_word(r, tokens->items[i - 1], tokens->items[i], &compound, err));
            MASK__TRY(add_pair(r, begin, compound, err));
        }
        previous = word;
    }
    return MASK_OK;
}

static mask_status read_all(reader *r, const mask_labels *labels, const mask_head *head, const mask_run *run,
                            mask_error *err)
{
    size_t regions = mask_labels_regions(labels), all = regions + (head ? head->classes : 0);
    MASK__CLOSED(mask__tokens_free) mask__tokens tokens = {0};
    for (size_t i = 0; i < all; i++) {
        const char *text = i < regions ? mask_labels_text(labels, i) : head->labels[i - regions];
        r->weight = i < regions ? 1 : MASK__HEAD_ROWS;
        if (i % PROGRESS_STEP == 0) MASK__TRY(mask__progress(run, "labels", "regions", i, all, err));
        MASK__TRY(read_label(r, text, &tokens, err));
        r->out->pairs_at[i + 1] = r->out->pair_count;
    }
    return MASK_OK;
}

mask_status mask__label_words_read(mask__label_words *words, const mask_labels *labels, const mask_head *head,
                                   const mask_vectors *vectors, mask_tokens rule, const mask_run *run, mask_error *err)
{
    size_t n = mask_vectors_dim(vectors);
    reader r = {.out = words, .vectors = vectors, .rule = rule};
    *words = (mask__label_words){0};
    if (rule == MASK_TOKENS_CAPTION) MASK__TRY(mask__wordnet_open(&r.wordnet, err));
    words->pairs_at = calloc(mask_labels_regions(labels) + (head ? head->classes : 0) + 1, sizeof *words->pairs_at);
    r.vector = malloc(n * sizeof *r.vector);
    r.scratch = malloc(n * sizeof *r.scratch);
    mask_status status = MASK_OK;
    if (!words->pairs_at || !r.vector || !r.scratch) status = mask__no_memory(err, "the words of the labels");
    if (status == MASK_OK) status = read_all(&r, labels, head, run, err);
    free(r.vector);
    free(r.scratch);
    free(r.token_words);
    free(r.pair_words);
    mask__strings_free(&r.tokens);
    mask__strings_free(&r.pairs);
    mask__morphy_close(&r.wordnet);
    if (status != MASK_OK) mask__label_words_free(words);
    return status;
}

void mask__label_words_free(mask__label_words *words)
{
    mask__strings_free(&words->words);
    free(words->vectors);
    free(words->counts);
    free(words->pairs_at);
    free(words->pairs);
    *words = (mask__label_words){0};
}
