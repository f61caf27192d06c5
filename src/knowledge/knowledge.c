/* mask_knowledge: what it holds, and its .mask file (docs/knowledge.md). Learning it is learn.c's, using it the match
 * room's. */
#include "knowledge/knowledge.h"
#include "knowledge/rounding.h"
#include "base/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "MASKKNOW"
enum { VERSION = 2 };

mask_knowledge *mask__knowledge_new(void)
{
    mask_knowledge *k = calloc(1, sizeof *k);
    if (k && (k->dictionary = mask__dictionary_new())) return k;
    free(k);
    return NULL;
}

mask_status mask__knowledge_give(mask_knowledge **out, mask_knowledge *k, mask_status status)
{
    *out = status == MASK_OK ? k : NULL;
    if (status != MASK_OK) mask_knowledge_close(k);
    return status;
}

void mask_knowledge_close(mask_knowledge *k)
{
    if (!k) return;
    mask__dictionary_free(k->dictionary);
    mask__strings_free(&k->words);
    mask__strings_free(&k->background.words);
    mask__representation_close(&k->representation);
    mask__arena_free(&k->arena);
    mask__pack_close(&k->pack);
    free(k);
}

void mask_knowledge_describe(const mask_knowledge *k, mask_knowledge_info *info)
{
    *info = k->info;
}

const char *mask_knowledge_word(const mask_knowledge *k, size_t index, size_t *count)
{
    if (count) *count = k->counts[index];
    return k->word_texts[index];
}

const float *mask_knowledge_prototype(const mask_knowledge *k, size_t index)
{
    return k->prototypes + index * k->info.dim;
}

mask__word_space mask__knowledge_space(const mask_knowledge *k)
{
    return (mask__word_space){.count = k->info.words,
                              .n = k->info.vector_dim,
                              .s = k->background.company_dim,
                              .vectors = k->word_vectors,
                              .company = k->background.known_company};
}

mask_status mask__knowledge_name_words(mask_knowledge *k, mask_error *err)
{
    k->word_texts = mask__arena_alloc(&k->arena, k->words.count + 1, sizeof *k->word_texts);
    if (!k->word_texts) return mask__no_memory(err, "the words of a knowledge");
    for (size_t i = 0; i < k->words.count; i++) {
        size_t length;
        const char *text = mask__strings_get(&k->words, i, &length);
        k->word_texts[i] = mask__arena_text(&k->arena, text, length);
        if (!k->word_texts[i]) return mask__no_memory(err, "the words of a knowledge");
    }
    return MASK_OK;
}

mask_status mask__knowledge_check_vectors(const mask_knowledge *k, const mask_vectors *vectors, mask_error *err)
{
    if (mask_vectors_dim(vectors) != k->info.vector_dim)
        return mask__fail(
            err, MASK_EMISMATCH,
            "%s: its vectors have %zu dimensions, the knowledge was learned with %zu: pass the file it was "
            "learned with (%s)",
            mask_vectors_path(vectors), mask_vectors_dim(vectors), k->info.vector_dim, k->info.vectors_path);
    if (mask_vectors_fingerprint(vectors) != k->info.vectors_fingerprint)
        return mask__fail(
            err, MASK_EMISMATCH,
            "%s: is not the vector file the knowledge was learned with (%s): pass that one, or learn again",
            mask_vectors_path(vectors), k->info.vectors_path);
    return MASK_OK;
}

/* ---- The file ---- */

mask_status mask__options_put(mask_options_kind kind, const void *options, const char *name, mask__pack_writer *file,
                              mask_error *err)
{
    char text[MASK__OPTIONS_TEXT];
    mask__options_write(kind, options, text);
    return mask__pack_add(file, name, MASK__U8, 1, (uint64_t[]){strlen(text)}, text, err);
}

mask_status mask__options_get(mask_options_kind kind, void *options, const char *name, const mask__pack *file,
                              mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(file, name, MASK__U8, 1, (uint64_t[]){0}, &t, err));
    return mask__options_read(kind, options, t->data, t->bytes, file->path, err);
}

/* ---- Files of version 1: numbers without names ---- */

mask_status mask__options_get_1(mask_match_options *options, const double *numbers, const char *path, mask_error *err)
{
    static const char *const names[MASK__NUMBERS_1] = {"pool",
                                                       "top",
                                                       "context",
                                                       "whole_region",
                                                       "ood",
                                                       "ood_neighbours",
                                                       "ood_temperature",
                                                       "ood_weight",
                                                       "ood_company",
                                                       "scene",
                                                       "calibrate",
                                                       "text_power",
                                                       "image_power",
                                                       "hub_image",
                                                       "hub_text",
                                                       "hub_neighbours",
                                                       "hub_image_sharpness",
                                                       "hub_text_sharpness"};
    *options = mask_match_plain();
    return mask__options_read_numbers(MASK_OPTIONS_MATCH, options, names, MASK__NUMBERS_1, numbers, path, err);
}

static mask_status get_options_1(mask_knowledge *k, mask_error *err)
{
    static const char *const names[] = {"representation", "tokens", "min_count", "whiten_shrink", "prototype_shrink"};
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&k->pack, "numbers", MASK__F64, 1, (uint64_t[]){7 + MASK__NUMBERS_1}, &t, err));
    const double *n = t->data, learned[] = {n[0], n[1], n[4], n[5], n[6]};
    if (!(n[2] >= 0 && n[2] <= 1e15 && n[3] >= 0 && n[3] <= 1e15))
        return mask__fail_at(err, MASK_EFORMAT, t->offset, "%s: counts %g and %g regions: make the file again",
                             k->pack.path, n[2], n[3]);
    k->info.regions = (size_t)n[2];
    k->info.pairs = (size_t)n[3];
    k->info.learned = mask_learn_defaults();
    MASK__TRY(mask__options_read_numbers(MASK_OPTIONS_LEARN, &k->info.learned, names, 5, learned, k->pack.path, err));
    return mask__options_get_1(&k->options, n + 7, k->pack.path, err);
}

/* What was not among the numbers, but can be seen. */
static void tell_learned_1(mask_knowledge *k)
{
    const mask__whitening *w = &k->representation.whitening;
    k->info.learned.power = w->projection ? w->power : 1;
    if (w->projection) k->info.learned.whiten_dim = w->out;
    k->info.learned.scenes = mask__pack_find(&k->pack, "scene.prototypes") != NULL;
    if (!mask__pack_find(&k->pack, "reliability")) k->info.learned.reliability = 0;
}

static mask_status get_options(mask_knowledge *k, mask_error *err)
{
    const mask__tensor *t;
    if (k->pack.version == 1) return get_options_1(k, err);
    MASK__TRY(mask__options_get(MASK_OPTIONS_LEARN, &k->info.learned, "options.learn", &k->pack, err));
    MASK__TRY(mask__options_get(MASK_OPTIONS_MATCH, &k->options, "options.match", &k->pack, err));
    MASK__TRY(mask__pack_get(&k->pack, "learned", MASK__U64, 1, (uint64_t[]){2}, &t, err));
    k->info.regions = ((const uint64_t *)t->data)[0];
    k->info.pairs = ((const uint64_t *)t->data)[1];
    return MASK_OK;
}

/* ---- Writing ---- */

uint64_t mask__knowledge_fingerprint(const mask_knowledge *k)
{
    uint64_t print = k->own_print;
    for (size_t i = 0; i < k->pack.count; i++) {
        const uint64_t pair[2] = {print, k->pack.tensors[i].checksum};
        print = mask__strings_hash((const char *)pair, sizeof pair);
    }
    return print;
}

static mask_status put_text(mask__pack_writer *w, const char *name, const char *text, mask_error *err)
{
    uint64_t length = strlen(text);
    return mask__pack_add(w, name, MASK__U8, 1, &length, text, err);
}

static mask_status put_background(mask__pack_writer *w, const mask_knowledge *k, mask_error *err)
{
    const mask__background *b = &k->background;
    size_t words = b->words.count, rows = b->image_rows[b->images], occurrences = b->text_words_at[b->texts];
    MASK__TRY(mask__pack_put(w, "background.image_rows", MASK__U64, b->images + 1, 0, b->image_rows, err));
    MASK__TRY(mask__matrix_put(w, k, "background.mu", rows, k->info.dim, b->mu, err));
    MASK__TRY(mask__strings_write(&b->words, w, "background.words", err));
    MASK__TRY(mask__matrix_put(w, k, "background.word_vectors", words, k->info.vector_dim, b->word_vectors, err));
    MASK__TRY(mask__pack_put(w, "background.text_words_at", MASK__U64, b->texts + 1, 0, b->text_words_at, err));
    MASK__TRY(mask__pack_put(w, "background.text_words", MASK__U32, occurrences, 0, b->text_words, err));
    MASK__TRY(mask__pack_put(w, "background.word_texts", MASK__U64, words, 0, b->word_texts, err));
    MASK__TRY(mask__matrix_put(w, k, "background.known_company", k->info.words, b->company_dim, b->known_company, err));
    return mask__matrix_put(w, k, "background.company", words, b->company_dim, b->company, err);
}

/* The place of the vectors for a knowledge in `file`: from its folder where they lie in it, so that both may move
 * together. */
static const char *vectors_place(const char *vectors, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup("."), *absolute;
    absolute = folder ? realpath(folder, NULL) : NULL;
    size_t length = absolute ? strlen(absolute) : 0;
    if (length > 1 && strncmp(vectors, absolute, length) == 0 && vectors[length] == '/') vectors += length + 1;
    free(folder);
    free(absolute);
    return vectors;
}

static mask_status put_all(mask__pack_writer *w, const mask_knowledge *k, const char *path, mask_error *err)
{
    const mask_knowledge_info *i = &k->info;
    MASK__TRY(mask__options_put(MASK_OPTIONS_LEARN, &i->learned, "options.learn", w, err));
    MASK__TRY(mask__options_put(MASK_OPTIONS_MATCH, &k->options, "options.match", w, err));
    MASK__TRY(mask__pack_add(w, "learned", MASK__U64, 1, (uint64_t[]){2}, (uint64_t[]){i->regions, i->pairs}, err));
    MASK__TRY(put_text(w, "provenance", i->provenance, err));
    MASK__TRY(put_text(w, "vectors.path", vectors_place(i->vectors_path, path), err));
    MASK__TRY(mask__pack_add(w, "vectors.fingerprint", MASK__U64, 1, (uint64_t[]){1}, &i->vectors_fingerprint, err));
    MASK__TRY(mask__strings_write(&k->words, w, "words", err));
    MASK__TRY(mask__pack_add(w, "counts", MASK__U64, 1, (uint64_t[]){i->words}, k->counts, err));
    MASK__TRY(mask__matrix_put(w, k, "word_vectors", i->words, i->vector_dim, k->word_vectors, err));
    MASK__TRY(mask__matrix_put(w, k, "prototypes", i->words, i->dim, k->prototypes, err));
    MASK__TRY(mask__representation_write(&k->representation, w, err));
    const mask__incidence *in = &k->incidence;
    MASK__TRY(mask__pack_put(w, "images.at", MASK__U64, in->images + 1, 0, in->at, err));
    MASK__TRY(mask__pack_put(w, "images.words", MASK__U32, in->at[in->images], 0, in->word, err));
    if (k->scene_prototypes)
        MASK__TRY(mask__matrix_put(w, k, "scene.prototypes", i->words, i->dim, k->scene_prototypes, err));
    MASK__TRY(mask__pack_put(w, "scene.mean", MASK__F32, i->dim, 0, k->scene_mean, err));
    MASK__TRY(mask__pack_put(w, "scene.projection", MASK__F32, i->dim, i->dim, k->scene_projection, err));
    MASK__TRY(mask__pack_put(w, "reliability", MASK__F32, i->words, 0, k->reliability, err));
    return k->background.images ? put_background(w, k, err) : MASK_OK;
}

mask_status mask_knowledge_save(const mask_knowledge *k, const char *path, mask_error *err)
{
    mask__pack_writer *w;
    MASK__TRY(mask__pack_create(&w, path, MAGIC, VERSION, err));
    return mask__pack_commit(w, put_all(w, k, path, err), err);
}

static mask_status get_text(mask_knowledge *k, const char *name, const char **out, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&k->pack, name, MASK__U8, 1, (uint64_t[]){0}, &t, err));
    *out = mask__arena_text(&k->arena, t->data, t->bytes);
    return *out ? MASK_OK : mask__no_memory(err, name);
}

/* at[0..count] must rise from 0 to total. */
static mask_status check_ranges(const mask_knowledge *k, const char *name, const uint64_t *at, size_t count,
                                uint64_t total, mask_error *err)
{
    bool valid = at[0] == 0 && at[count] == total;
    for (size_t i = 0; valid && i < count; i++) valid = at[i] <= at[i + 1];
    if (valid) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, "%s: '%s' does not divide what it should: make the file again", k->pack.path,
                      name);
}

/* Lists of indices below `limit`: `at` (u64) divides `items` (u32). */
static mask_status get_lists(mask_knowledge *k, const char *at_name, const char *items_name, size_t limit,
                             const uint64_t **at, size_t *count, const uint32_t **items, mask_error *err)
{
    const mask__tensor *a, *t;
    MASK__TRY(mask__pack_get(&k->pack, at_name, MASK__U64, 1, (uint64_t[]){0}, &a, err));
    MASK__TRY(mask__pack_get(&k->pack, items_name, MASK__U32, 1, (uint64_t[]){0}, &t, err));
    if (a->shape[0] < 1)
        return mask__fail_at(err, MASK_EFORMAT, a->offset, "%s: '%s' is empty: make the file again", k->pack.path,
                             at_name);
    *at = a->data;
    *count = a->shape[0] - 1;
    *items = t->data;
    MASK__TRY(check_ranges(k, at_name, *at, *count, t->shape[0], err));
    for (uint64_t i = 0; i < t->shape[0]; i++)
        if ((*items)[i] >= limit)
            return mask__fail_at(err, MASK_EFORMAT, t->offset + i * 4, "%s: byte %llu: a word that does not exist",
                                 k->pack.path, (unsigned long long)(t->offset + i * 4));
    return MASK_OK;
}

static mask_status get_background(mask_knowledge *k, mask_error *err)
{
    mask__background *b = &k->background;
    const mask__tensor *rows;
    size_t stored = 0;
    if (!mask__pack_find(&k->pack, "background.mu")) return MASK_OK;
    MASK__TRY(mask__pack_get(&k->pack, "background.image_rows", MASK__U64, 1, (uint64_t[]){0}, &rows, err));
    if (rows->shape[0] < 2)
        return mask__fail_at(err, MASK_EFORMAT, rows->offset, "%s: its background is empty: calibrate again",
                             k->pack.path);
    b->images = rows->shape[0] - 1;
    b->image_rows = rows->data;
    MASK__TRY(mask__matrix_get(k, "background.mu", &stored, &k->info.dim, &b->mu, err));
    MASK__TRY(check_ranges(k, "background.image_rows", b->image_rows, b->images, stored, err));
    MASK__TRY(mask__strings_read(&b->words, &k->pack, "background.words", err));
    MASK__TRY(
        mask__matrix_get(k, "background.word_vectors", &b->words.count, &k->info.vector_dim, &b->word_vectors, err));
    MASK__TRY(get_lists(k, "background.text_words_at", "background.text_words", b->words.count, &b->text_words_at,
                        &b->texts, &b->text_words, err));
    MASK__TRY(mask__pack_data(&k->pack, "background.word_texts", MASK__U64, &b->words.count, 0, &b->word_texts, err));
    MASK__TRY(mask__matrix_get(k, "background.known_company", &k->info.words, &b->company_dim, &b->known_company, err));
    MASK__TRY(mask__matrix_get(k, "background.company", &b->words.count, &b->company_dim, &b->company, err));
    k->info.background_images = b->images;
    k->info.background_texts = b->texts;
    return MASK_OK;
}

static mask_status get_scenes(mask_knowledge *k, mask_error *err)
{
    size_t words = k->info.words, z = k->info.dim;
    k->info.scenes = mask__pack_find(&k->pack, "scene.prototypes") != NULL;
    k->info.reliabilities = mask__pack_find(&k->pack, "reliability") != NULL;
    if (k->info.scenes) {
        MASK__TRY(mask__matrix_get(k, "scene.prototypes", &k->info.words, &k->info.dim, &k->scene_prototypes, err));
        MASK__TRY(mask__pack_data(&k->pack, "scene.mean", MASK__F32, &z, 0, &k->scene_mean, err));
        MASK__TRY(mask__pack_data(&k->pack, "scene.projection", MASK__F32, &z, z, &k->scene_projection, err));
    }
    if (k->info.reliabilities)
        MASK__TRY(mask__pack_data(&k->pack, "reliability", MASK__F32, &words, 0, &k->reliability, err));
    k->incidence.words = words;
    MASK__TRY(get_lists(k, "images.at", "images.words", words, &k->incidence.at, &k->incidence.images,
                        &k->incidence.word, err));
    k->info.images = k->incidence.images;
    return MASK_OK;
}

static mask_status get_all(mask_knowledge *k, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(get_options(k, err));
    MASK__TRY(get_text(k, "provenance", &k->info.provenance, err));
    MASK__TRY(get_text(k, "vectors.path", &k->info.vectors_path, err));
    MASK__TRY(mask__pack_get(&k->pack, "vectors.fingerprint", MASK__U64, 1, (uint64_t[]){1}, &t, err));
    memcpy(&k->info.vectors_fingerprint, t->data, sizeof k->info.vectors_fingerprint);
    MASK__TRY(mask__strings_read(&k->words, &k->pack, "words", err));
    k->info.words = k->words.count;
    MASK__TRY(mask__knowledge_name_words(k, err));
    MASK__TRY(mask__pack_data(&k->pack, "counts", MASK__U64, &k->info.words, 0, &k->counts, err));
    MASK__TRY(mask__matrix_get(k, "word_vectors", &k->info.words, &k->info.vector_dim, &k->word_vectors, err));
    MASK__TRY(mask__matrix_get(k, "prototypes", &k->info.words, &k->info.dim, &k->prototypes, err));
    MASK__TRY(mask__representation_read(&k->representation, k->info.learned.representation, k->info.dim, &k->pack,
                                        &k->arena, err));
    k->info.feature_dim = k->representation.in;
    k->info.adapted = k->representation.adaptation != NULL;
    if (k->pack.version == 1) tell_learned_1(k);
    MASK__TRY(get_scenes(k, err));
    return get_background(k, err);
}

static bool try_place(char **out, const char *folder, size_t length, const char *name)
{
    if (asprintf(out, "%.*s/%s", (int)length, folder, name) >= 0 && access(*out, R_OK) == 0) return true;
    free(*out);
    *out = NULL;
    return false;
}

/* Vectors are where they were when it was learned; else, a path that is not absolute, from the folder of the knowledge;
 * else beside it, under their name. Found nowhere, the stored path stays, for messages. */
static mask_status find_vectors(mask_knowledge *k, const char *file, mask_error *err)
{
    const char *stored = k->info.vectors_path, *name = strrchr(stored, '/'), *slash = strrchr(file, '/');
    const char *folder = slash ? file : ".";
    size_t length = slash ? (size_t)(slash - file) : 1;
    char *place = NULL;
    k->stored_vectors_path = stored;
    if (*stored == '/' && access(stored, R_OK) == 0) return MASK_OK;
    if ((*stored == '/' || !try_place(&place, folder, length, stored)) &&
        !try_place(&place, folder, length, name ? name + 1 : stored))
        return MASK_OK;
    char *absolute = realpath(place, NULL);
    const char *found = absolute ? absolute : place;
    k->info.vectors_path = mask__arena_text(&k->arena, found, strlen(found));
    free(absolute);
    free(place);
    return k->info.vectors_path ? MASK_OK : mask__no_memory(err, file);
}

mask_status mask_knowledge_open(mask_knowledge **out, const char *path, const mask_run *run, mask_error *err)
{
    (void)run; /* nothing here takes long */
    mask_knowledge *k = mask__knowledge_new();
    mask_status status =
        k ? mask__pack_open(&k->pack, path, MAGIC, VERSION, MASK__VERIFY_DATA, err) : mask__no_memory(err, path);
    if (status == MASK_OK) status = get_all(k, err);
    if (status == MASK_OK) status = find_vectors(k, path, err);
    return mask__knowledge_give(out, k, status);
}
