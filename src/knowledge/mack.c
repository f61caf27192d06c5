/* MACK's knowledge to ours: a vocabulary (JSON: word -> row, or the list of words in the order of the rows) and
 * prototypes (.npy, words x features). The result is a knowledge with raw features, without scenes, reliabilities or
 * background; MACK counts no regions, so every word has one.
 *
 * A word needs a prototype to match and a vector to lend it to other words: words that lack either are left out and
 * counted. Refuses rows that do not exist or that two words share, and prototypes that are not finite. */
#include "knowledge/knowledge.h"
#include "base/json.h"
#include "formats/npy.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *path;
    mask__strings words; /* in the order of the file, in lower case */
    size_t *rows;        /* of each word */
    size_t capacity;
    bool *taken; /* of each row of prototypes */
    size_t row_count;
    char *key; /* the word whose row comes next */
    bool is_list;
    mask_import_report report;
} reader;

/* Keeps a word and its row; of words that differ only in case the first stays. */
static mask_status add_word(reader *r, mask__json *json, char *word, size_t row, mask_error *err)
{
    uint32_t index;
    bool added;
    r->report.listed++;
    if (row >= r->row_count)
        return mask__json_fail(json, err, "word '%.64s' has row %zu of %zu prototypes: files of different knowledges",
                               word, row, r->row_count);
    if (r->taken[row])
        return mask__json_fail(json, err, "row %zu belongs to a second word, '%.64s': repair the vocabulary", row,
                               word);
    r->taken[row] = true;
    for (char *c = word; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    if (!*word) return MASK_OK;
    MASK__TRY(mask__strings_intern(&r->words, word, strlen(word), &index, &added, err));
    if (!added) {
        r->report.repeated++;
        return MASK_OK;
    }
    MASK__TRY(mask__room(&r->rows, &r->capacity, r->words.count, sizeof *r->rows, r->path, err));
    r->rows[index] = row;
    return MASK_OK;
}

static mask_status keep_key(reader *r, mask__json *json, const mask__json_event *e, mask_error *err)
{
    if (memchr(e->text, '\0', e->length)) return mask__json_fail(json, err, "a word with a NUL character: repair it");
    free(r->key);
    r->key = strndup(e->text, e->length);
    return r->key ? MASK_OK : mask__no_memory(err, r->path);
}

static mask_status visit(void *context, mask__json *json, const mask__json_event *e, mask_error *err)
{
    static const char want[] = "needs one object of word: row, or one list of words: not MACK's vocabulary";
    reader *r = context;
    int64_t row;
    bool end = e->kind == MASK__JSON_OBJECT_END || e->kind == MASK__JSON_ARRAY_END;
    if (end && e->depth == 0) return MASK_OK;
    if (e->depth == 0) {
        r->is_list = e->kind == MASK__JSON_ARRAY;
        return r->is_list || e->kind == MASK__JSON_OBJECT ? MASK_OK : mask__json_fail(json, err, "%s", want);
    }
    if (e->kind == MASK__JSON_KEY) return keep_key(r, json, e, err);
    if (r->is_list && e->kind == MASK__JSON_STRING) {
        MASK__TRY(keep_key(r, json, e, err));
        return add_word(r, json, r->key, r->report.listed, err);
    }
    if (r->is_list || !mask__json_whole(e, &row) || row < 0) return mask__json_fail(json, err, "%s", want);
    return add_word(r, json, r->key, (size_t)row, err);
}

/* Copies the words that have a prototype and a vector. */
static mask_status take_words(mask_knowledge *k, reader *r, const mask__npy *npy, const mask_vectors *vectors,
                              mask_error *err)
{
    size_t z = npy->shape[1], n = mask_vectors_dim(vectors), kept = 0, where;
    float *prototypes = mask__arena_alloc(&k->arena, r->words.count * z, sizeof *prototypes);
    float *word_vectors = mask__arena_alloc(&k->arena, r->words.count * n, sizeof *word_vectors);
    uint64_t *counts = mask__arena_alloc(&k->arena, r->words.count, sizeof *counts);
    if (!prototypes || !word_vectors || !counts) return mask__no_memory(err, "a knowledge");
    for (size_t i = 0; i < r->words.count; i++) {
        size_t length, row = r->rows[i];
        uint32_t index;
        const char *word = mask__strings_get(&r->words, i, &length);
        float *prototype = prototypes + kept * z, *vector = word_vectors + kept * n;
        mask__npy_floats(npy, row * z, z, prototype);
        if (!mask__all_finite(prototype, z, &where))
            return mask__fail_at(err, MASK_ENUMERIC, npy->data_offset + (row * z + where) * npy->item_bytes,
                                 "%s: row %zu (%.*s) holds NaN or infinity: make it again", npy->path, row,
                                 (int)(length < 64 ? length : 64), word);
        int64_t at = mask_vectors_find(vectors, word, length);
        if (mask__norm(prototype, z) == 0) {
            r->report.no_prototype++;
            continue;
        }
        if (at >= 0) mask_vectors_get(vectors, (size_t)at, vector);
        if (at < 0 || mask__normalise(vector, n) == 0) {
            r->report.no_vector++;
            continue;
        }
        MASK__TRY(mask__strings_intern(&k->words, word, length, &index, NULL, err));
        counts[kept++] = 1;
    }
    k->prototypes = prototypes;
    k->word_vectors = word_vectors;
    k->counts = counts;
    k->info.words = r->report.kept = kept;
    if (kept) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH, "%s: none of its %zu words has a prototype and a vector: check the vectors",
                      r->path, r->words.count);
}

static mask_status describe(mask_knowledge *k, const mask__npy *npy, const mask_vectors *vectors,
                            const char *provenance, mask_error *err)
{
    size_t z = npy->shape[1];
    uint64_t *at = mask__arena_alloc(&k->arena, 1, sizeof *at); /* of no image are the words known */
    uint32_t *word = mask__arena_alloc(&k->arena, 1, sizeof *word);
    char *absolute = realpath(mask_vectors_path(vectors), NULL);
    const char *path = absolute ? absolute : mask_vectors_path(vectors);
    k->representation = (mask__representation){.kind = MASK_REPRESENTATION_NONE, .in = z, .out = z};
    k->incidence = (mask__incidence){.words = k->info.words, .at = at, .word = word};
    k->options = mask_match_tuned();
    k->options.scene = 0;
    k->info.learned = (mask_learn_options){
        .size = sizeof k->info.learned, .tokens = MASK_TOKENS_CAPTION, .min_count = 1, .power = 1, .whiten_dim = z};
    k->info.feature_dim = k->info.dim = z;
    k->info.vector_dim = mask_vectors_dim(vectors);
    k->info.vectors_fingerprint = mask_vectors_fingerprint(vectors);
    k->info.vectors_path = mask__arena_text(&k->arena, path, strlen(path));
    k->info.provenance = mask__arena_text(&k->arena, provenance, strlen(provenance));
    free(absolute);
    return at && word && k->info.vectors_path && k->info.provenance ? MASK_OK : mask__no_memory(err, "a knowledge");
}

static mask_status import_all(mask_knowledge *k, reader *r, const mask__npy *npy, const mask_vectors *vectors,
                              const char *provenance, mask_error *err)
{
    if (npy->ndim != 2 || !mask__npy_is_float(npy))
        return mask__fail(err, MASK_EFORMAT,
                          "%s: holds %s in %u dimensions: MACK's prototypes are words x features of floats", npy->path,
                          mask__npy_type_name(npy->type), npy->ndim);
    r->row_count = npy->shape[0];
    r->taken = calloc(r->row_count, sizeof *r->taken);
    if (!r->taken) return mask__no_memory(err, r->path);
    MASK__TRY(mask__json_read(r->path, visit, r, err));
    if (r->words.count == 0) return mask__fail(err, MASK_EFORMAT, "%s: holds no words: not MACK's vocabulary", r->path);
    MASK__TRY(take_words(k, r, npy, vectors, err));
    MASK__TRY(describe(k, npy, vectors, provenance ? provenance : "", err));
    return mask__knowledge_name_words(k, err);
}

mask_status mask_knowledge_import(mask_knowledge **out, const char *vocabulary, const char *prototypes,
                                  const mask_vectors *vectors, const char *provenance, mask_import_report *report,
                                  mask_error *err)
{
    mask__npy npy;
    reader r = {.path = vocabulary};
    *out = NULL;
    MASK__TRY(mask__npy_open(&npy, prototypes, err));
    mask_knowledge *k = mask__knowledge_new();
    mask_status status = k ? import_all(k, &r, &npy, vectors, provenance, err) : mask__no_memory(err, vocabulary);
    if (status == MASK_OK && report) *report = r.report;
    mask__npy_close(&npy);
    mask__strings_free(&r.words);
    free(r.rows);
    free(r.taken);
    free(r.key);
    return mask__knowledge_give(out, k, status);
}
