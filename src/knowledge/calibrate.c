/* mask_knowledge_calibrate: a knowledge with unpaired background data (method section 9) stored in it. What is made of
 * the background, statistics of words, texts and images, is the match room's. Refuses to pair anything: images are kept
 * as region representations, texts as lists of words, and neither knows of the other. */
#include "knowledge/knowledge.h"
#include "dataset/images.h"
#include "knowledge/lexicon.h"
#include "math/vector.h"

#include <string.h>

enum { BLOCK_IMAGES = 64 };

mask_match_options mask_calibrate_defaults(void)
{
    mask_match_options options = MASK_MATCH_PLAIN;
    options.top = 3;
    options.context = 0.5f;
    options.calibrate = MASK_CALIBRATE_FULL;
    return options;
}

mask_match_options mask_match_defaults(const mask_knowledge *knowledge)
{
    return knowledge->background.images ? knowledge->options : MASK_MATCH_PLAIN;
}

/* A copy of count items; NULL when memory is short or from is NULL. */
static void *copy(mask_knowledge *k, const void *from, size_t count, size_t size)
{
    void *to = from ? mask__arena_alloc(&k->arena, count, size) : NULL;
    return to ? memcpy(to, from, count * size) : NULL;
}

static mask_status copy_knowledge(mask_knowledge *to, const mask_knowledge *from, mask_error *err)
{
    const mask_knowledge_info *i = &from->info;
    to->info = *i;
    to->counts = copy(to, from->counts, i->words, sizeof *from->counts);
    to->word_vectors = copy(to, from->word_vectors, i->words * i->vector_dim, sizeof(float));
    to->prototypes = copy(to, from->prototypes, i->words * i->dim, sizeof(float));
    to->info.vectors_path = mask__arena_text(&to->arena, i->vectors_path, strlen(i->vectors_path));
    to->info.provenance = mask__arena_text(&to->arena, i->provenance, strlen(i->provenance));
    MASK__TRY(mask__encoder_copy(&to->encoder, &from->encoder, &to->arena, err));
    if (!to->counts || !to->word_vectors || !to->prototypes || !to->info.vectors_path || !to->info.provenance)
        return mask__no_memory(err, "a copy of the knowledge");
    for (size_t w = 0; w < i->words; w++) {
        size_t length;
        uint32_t index;
        const char *word = mask__strings_get(&from->words, w, &length);
        MASK__TRY(mask__strings_intern(&to->words, word, length, &index, NULL, err));
    }
    return mask__knowledge_name_words(to, err);
}

static mask_status add_images(mask_knowledge *k, const mask_images *images, const mask_run *run, mask_error *err)
{
    mask__background *b = &k->background;
    size_t count = mask_images_count(images), rows = mask__images_rows(images), z = k->info.dim, done = 0, most = 0;
    uint64_t *at = mask__arena_alloc(&k->arena, count + 1, sizeof *at);
    float *mu = mask__arena_alloc(&k->arena, rows * z, sizeof *mu);
    mask__arena work = {0};
    mask__encoding encoding = {0};
    if (!at || !mu) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < count; i++) {
        size_t regions = mask_images_regions(images, i);
        at[i + 1] = at[i] + regions;
        if (regions > most) most = regions;
    }
    float *buffer = mask__arena_alloc(&work, BLOCK_IMAGES * most * k->encoder.in, sizeof *buffer);
    size_t *offsets = mask__arena_alloc(&work, BLOCK_IMAGES + 1, sizeof *offsets);
    mask_status status = buffer && offsets ? MASK_OK : mask__no_memory(err, "the background");
    if (status == MASK_OK) status = mask__encoding_open(&encoding, &k->encoder, BLOCK_IMAGES * most, most, err);
    for (size_t first = 0; status == MASK_OK && first < count; first += BLOCK_IMAGES) {
        size_t block = count - first < BLOCK_IMAGES ? count - first : BLOCK_IMAGES, got, where;
        const float *features;
        status = mask__progress(run, "background", "images", first, count, err);
        if (status == MASK_OK) status = mask__images_block(images, first, block, buffer, &features, &got, err);
        if (status != MASK_OK) break;
        for (size_t i = 0; i <= block; i++) offsets[i] = at[first + i] - at[first];
        memcpy(mu + done * z, mask__encoding_run(&encoding, features, offsets, block), got * z * sizeof *mu);
        for (size_t i = first; i < first + block && status == MASK_OK; i++)
            if (!mask__all_finite(mu + at[i] * z, (at[i + 1] - at[i]) * z, &where))
                status = mask__images_refuse(images, i, err);
        done += got;
    }
    mask__arena_free(&work);
    mask__encoding_close(&encoding);
    b->images = k->info.background_images = count;
    b->image_rows = at;
    b->mu = mu;
    return status;
}

static mask_status add_texts(mask_knowledge *k, const mask_vectors *vectors, const mask_texts *texts, mask_error *err)
{
    mask__background *b = &k->background;
    mask__lexicon lexicon;
    size_t n = k->info.vector_dim, count = mask_texts_count(texts);
    mask_status status = mask__lexicon_open(&lexicon, k, vectors, err);
    for (size_t t = 0; status == MASK_OK && t < count; t++)
        status = mask__lexicon_add_text(&lexicon, mask_texts_get(texts, t), err);
    if (status == MASK_OK && lexicon.used == 0)
        status = mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                            "no background text has a word that the knowledge or its vectors know: give texts in the "
                            "knowledge's language");
    uint64_t *at = mask__arena_alloc(&k->arena, count + 1, sizeof *at);
    uint32_t *words = mask__arena_alloc(&k->arena, lexicon.used, sizeof *words);
    float *word_vectors = mask__arena_alloc(&k->arena, lexicon.names.count * n, sizeof *word_vectors);
    if (status == MASK_OK && (!at || !words || !word_vectors)) status = mask__no_memory(err, "the background");
    if (status == MASK_OK) {
        for (size_t t = 0; t <= count; t++) at[t] = lexicon.text_at[t];
        memcpy(words, lexicon.text_terms, lexicon.used * sizeof *words);
    }
    for (size_t i = 0; status == MASK_OK && i < lexicon.names.count; i++) {
        size_t length;
        uint32_t index;
        const char *name = mask__strings_get(&lexicon.names, i, &length);
        status = mask__strings_intern(&b->words, name, length, &index, NULL, err);
        if (lexicon.terms[i].known == MASK__NOT_FOUND)
            memcpy(word_vectors + i * n, lexicon.ood_vectors + lexicon.terms[i].vector * n, n * sizeof *word_vectors);
    }
    mask__lexicon_close(&lexicon);
    b->texts = k->info.background_texts = count;
    b->text_words_at = at;
    b->text_words = words;
    b->word_vectors = word_vectors;
    return status;
}

mask_status mask_knowledge_calibrate(mask_knowledge **out, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                     const mask_images *images, const mask_texts *texts,
                                     const mask_match_options *options, const mask_run *run, mask_error *err)
{
    *out = NULL;
    if (mask_images_dim(images) != knowledge->info.feature_dim)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: its features have %zu dimensions, the knowledge was learned on %zu: extract both alike",
                          mask__images_path(images), mask_images_dim(images), knowledge->info.feature_dim);
    mask_knowledge *k = mask__knowledge_new();
    if (!k) return mask__no_memory(err, "a knowledge");
    mask__use_threads(run);
    mask_status status = copy_knowledge(k, knowledge, err);
    k->options = options ? *options : mask_calibrate_defaults();
    if (status == MASK_OK) status = add_texts(k, vectors, texts, err);
    if (status == MASK_OK) status = add_images(k, images, run, err);
    if (status != MASK_OK)
        mask_knowledge_close(k);
    else
        *out = k;
    return status;
}
