/* mask_knowledge_calibrate: a knowledge with unpaired background data (docs/matching.md) stored in it. What is made of
 * the background, statistics of words, texts and images, is the match room's. Refuses to pair anything: images are kept
 * as region representations, texts as lists of words, and neither knows of the other. */
#include "knowledge/knowledge.h"
#include "base/options.h"
#include "images/images.h"
#include "knowledge/cooccurrence.h"
#include "knowledge/lexicon.h"
#include "math/vector.h"

#include <string.h>

enum { BLOCK_IMAGES = 64 };

void mask_knowledge_match_options(const mask_knowledge *knowledge, mask_match_options *options, size_t size)
{
    mask_match_options all = knowledge->background.images ? knowledge->options : mask_match_plain();
    if (!knowledge->scene_prototypes) all.scene = 0;
    if (size < all.size) all.size = size;
    memset(options, 0, size);
    memcpy(options, &all, all.size);
}

static mask_status add_images(mask_knowledge *k, const mask_images *images, const mask_run *run, mask_error *err)
{
    mask__background *b = &k->background;
    size_t count = mask_images_count(images), rows = mask__images_rows(images), z = k->info.dim, done = 0, most = 0;
    uint64_t *at = mask__arena_alloc(&k->arena, count + 1, sizeof *at);
    float *mu = mask__arena_alloc(&k->arena, rows * z, sizeof *mu);
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    MASK__CLOSED(mask__encoding_close) mask__encoding encoding = {0};
    if (!at || !mu) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < count; i++) {
        size_t regions = mask_images_regions(images, i);
        at[i + 1] = at[i] + regions;
        if (regions > most) most = regions;
    }
    float *buffer = mask__arena_alloc(&work, BLOCK_IMAGES * most * k->representation.in, sizeof *buffer);
    size_t *offsets = mask__arena_alloc(&work, BLOCK_IMAGES + 1, sizeof *offsets);
    if (work.lost) return mask__no_memory(err, "the background");
    MASK__TRY(mask__encoding_open(&encoding, &k->representation, BLOCK_IMAGES * most, most, err));
    for (size_t first = 0; first < count; first += BLOCK_IMAGES) {
        size_t block = count - first < BLOCK_IMAGES ? count - first : BLOCK_IMAGES, got, where;
        const float *features;
        MASK__TRY(mask__progress(run, "background", "images", first, count, err));
        MASK__TRY(mask__images_block(images, first, block, buffer, &features, &got, err));
        for (size_t i = 0; i <= block; i++) offsets[i] = at[first + i] - at[first];
        memcpy(mu + done * z, mask__encoding_run(&encoding, features, offsets, block), got * z * sizeof *mu);
        for (size_t i = first; i < first + block; i++)
            if (!mask__all_finite(mu + at[i] * z, (at[i + 1] - at[i]) * z, &where))
                return mask__images_refuse(images, i, err);
        done += got;
    }
    b->images = k->info.background_images = count;
    b->image_rows = at;
    b->mu = mu;
    return MASK_OK;
}

static mask_status add_texts(mask_knowledge *k, const mask_vectors *vectors, const mask_texts *texts, mask_error *err)
{
    mask__background *b = &k->background;
    MASK__CLOSED(mask__lexicon_close) mask__lexicon lexicon = {0};
    size_t n = k->info.vector_dim, count = mask_texts_count(texts);
    MASK__TRY(mask__lexicon_open(&lexicon, k, vectors, err));
    for (size_t t = 0; t < count; t++) MASK__TRY(mask__lexicon_add_text(&lexicon, mask_texts_get(texts, t), err));
    if (lexicon.used == 0)
        return mask__fail(err, MASK_EMISMATCH,
                          "no background text has a word that the knowledge or its vectors know: give texts in the "
                          "knowledge's language");
    uint64_t *at = mask__arena_alloc(&k->arena, count + 1, sizeof *at);
    uint32_t *words = mask__arena_alloc(&k->arena, lexicon.used, sizeof *words);
    float *word_vectors = mask__arena_alloc(&k->arena, lexicon.names.count * n, sizeof *word_vectors);
    if (!at || !words || !word_vectors) return mask__no_memory(err, "the background");
    for (size_t t = 0; t <= count; t++) at[t] = lexicon.text_at[t];
    memcpy(words, lexicon.text_terms, lexicon.used * sizeof *words);
    for (size_t i = 0; i < lexicon.names.count; i++) {
        const mask__term *term = &lexicon.terms[i];
        if (term->known != MASK__NOT_FOUND) continue;
        memcpy(word_vectors + i * n, lexicon.ood_vectors + term->vector * n, n * sizeof *word_vectors);
    }
    b->texts = k->info.background_texts = count;
    b->text_words_at = at;
    b->text_words = words;
    b->word_vectors = word_vectors;
    return mask__strings_copy(&b->words, &lexicon.names, err);
}

/* How many texts hold each background word. */
static mask_status count_texts(mask_knowledge *k, mask_error *err)
{
    mask__background *b = &k->background;
    uint64_t *counts = mask__arena_alloc(&k->arena, b->words.count, sizeof *counts);
    if (!counts) return mask__no_memory(err, "the background");
    for (size_t t = 0; t < b->texts; t++)
        for (uint64_t i = b->text_words_at[t]; i < b->text_words_at[t + 1]; i++) {
            bool first = true;
            for (uint64_t j = b->text_words_at[t]; first && j < i; j++) first = b->text_words[j] != b->text_words[i];
            counts[b->text_words[i]] += first;
        }
    b->word_texts = counts;
    return MASK_OK;
}

/* Co-occurrence over the background's texts and the knowledge's labelled images. Words are numbered known first. */
static mask_status add_company(mask_knowledge *k, mask_error *err)
{
    mask__background *b = &k->background;
    size_t known = k->info.words, words = known, occurrences = b->text_words_at[b->texts], dim;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    uint32_t *number = mask__arena_alloc(&work, b->words.count, sizeof *number);
    uint32_t *text_words = mask__arena_alloc(&work, occurrences, sizeof *text_words);
    float *all;
    if (work.lost) return mask__no_memory(err, "co-occurrence");
    for (size_t i = 0; i < b->words.count; i++) {
        size_t length;
        const char *word = mask__strings_get(&b->words, i, &length);
        uint32_t index = mask__strings_find(&k->words, word, length);
        number[i] = index != MASK__NOT_FOUND ? index : (uint32_t)words++;
    }
    for (size_t i = 0; i < occurrences; i++) text_words[i] = number[b->text_words[i]];
    mask__documents sets[2] = {{b->texts, b->text_words_at, text_words},
                               {k->incidence.images, k->incidence.at, k->incidence.word}};
    MASK__TRY(mask__cooccurrence(sets, 2, words, known, &dim, &all, &k->arena, err));
    float *company = mask__arena_alloc(&k->arena, b->words.count * dim, sizeof *company);
    if (!company) return mask__no_memory(err, "co-occurrence");
    for (size_t i = 0; i < b->words.count; i++) memcpy(company + i * dim, all + number[i] * dim, dim * sizeof *company);
    b->known_company = all; /* its first rows */
    b->company = company;
    b->company_dim = dim;
    return MASK_OK;
}

mask_status mask_knowledge_calibrate(mask_knowledge **out, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                     const mask_images *images, const mask_texts *texts,
                                     const mask_match_options *options, const mask_run *run, mask_error *err)
{
    *out = NULL;
    MASK__TRY(mask__knowledge_check_images(knowledge, images, err));
    mask_match_options o = mask_match_tuned();
    MASK__TRY(mask__options_take(MASK_OPTIONS_MATCH, &o, options, err));
    mask_knowledge *k = mask__knowledge_new();
    if (!k) return mask__no_memory(err, "a knowledge");
    MASK__USE_THREADS(mask__threads(run));
    mask_status status = mask__knowledge_copy(k, knowledge, err);
    k->options = o;
    k->options.adjective = 0; /* of the texts at hand; their file is no knowledge's */
    k->options.modifiers = NULL;
    if (status == MASK_OK) status = add_texts(k, vectors, texts, err);
    if (status == MASK_OK) status = count_texts(k, err);
    if (status == MASK_OK) status = add_company(k, err);
    if (status == MASK_OK) status = add_images(k, images, run, err);
    return mask__knowledge_give(out, k, status);
}
