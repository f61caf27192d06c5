#include "lexicon.h"
#include "text/wordnet.h"

#include <stdlib.h>
#include <string.h>

/* Compounds are named FIRST_SECOND; a word of the vectors may hold '_' too, and costs one vain look-up then. */
static mask_status index_compounds(mask__lexicon *lexicon, mask_error *err)
{
    const mask__strings *words = &lexicon->knowledge->words;
    for (size_t i = 0; i < words->count; i++) {
        size_t length;
        uint32_t index;
        const char *word = mask__strings_get(words, i, &length), *joint = memchr(word, '_', length);
        if (joint)
            MASK__TRY(mask__strings_intern(&lexicon->compound_firsts, word, (size_t)(joint - word), &index, NULL, err));
    }
    return MASK_OK;
}

mask_status mask__lexicon_open(mask__lexicon *lexicon, const mask_knowledge *knowledge, const mask_vectors *vectors,
                               mask_error *err)
{
    *lexicon = (mask__lexicon){.knowledge = knowledge, .vectors = vectors};
    if (vectors) MASK__TRY(mask__knowledge_check_vectors(knowledge, vectors, err));
    if (knowledge->info.tokens == MASK_TOKENS_CAPTION) {
        MASK__TRY(mask__wordnet_open(err));
        MASK__TRY(index_compounds(lexicon, err));
    }
    if (!mask__grow(&lexicon->text_at, &lexicon->text_capacity, 1, sizeof *lexicon->text_at))
        return mask__no_memory(err, "the words of texts");
    lexicon->text_at[0] = 0;
    return MASK_OK;
}

void mask__lexicon_close(mask__lexicon *lexicon)
{
    mask__arena_free(&lexicon->arena);
    mask__tokens_free(&lexicon->tokens);
    mask__strings_free(&lexicon->compound_firsts);
    mask__strings_free(&lexicon->seen);
    mask__strings_free(&lexicon->names);
    free(lexicon->resolutions);
    free(lexicon->terms);
    free(lexicon->ood_vectors);
    free(lexicon->text_at);
    free(lexicon->text_terms);
    *lexicon = (mask__lexicon){0};
}

/* Adds a term of this name, or finds it. vector (N floats, unit) is copied for OOD words; NULL = known. */
static mask_status add_term(mask__lexicon *lexicon, const char *name, size_t length, uint32_t known,
                            const float *vector, uint32_t *term, mask_error *err)
{
    size_t n = lexicon->knowledge->info.vector_dim;
    bool added;
    MASK__TRY(mask__strings_intern(&lexicon->names, name, length, term, &added, err));
    if (!added) return MASK_OK;
    if (!mask__grow(&lexicon->terms, &lexicon->term_capacity, *term + (size_t)1, sizeof *lexicon->terms) ||
        !mask__grow(&lexicon->ood_vectors, &lexicon->ood_capacity, lexicon->ood_count + 1, n * sizeof(float)))
        return mask__no_memory(err, "the words of texts");
    lexicon->terms[*term] = (mask__term){.known = known, .vector = (uint32_t)lexicon->ood_count};
    if (vector) {
        memcpy(lexicon->ood_vectors + lexicon->ood_count * n, vector, n * sizeof *vector);
        lexicon->ood_count++;
    }
    return MASK_OK;
}

/* Resolves a token as this word if the knowledge knows it. */
static mask_status try_known(mask__lexicon *lexicon, const char *word, size_t length, const char *reason,
                             mask__resolution *r, mask_error *err)
{
    uint32_t known = mask__strings_find(&lexicon->knowledge->words, word, length);
    if (known == MASK__NOT_FOUND) return MASK_OK;
    r->kind = MASK_WORD_KNOWN;
    r->reason = reason;
    r->word = mask_knowledge_word(lexicon->knowledge, known, NULL);
    return add_term(lexicon, word, length, known, NULL, &r->term, err);
}

/* Resolves a token as an OOD word if the vectors hold this word. */
static mask_status try_vector(mask__lexicon *lexicon, const char *word, size_t length, const char *reason,
                              mask__resolution *r, mask_error *err)
{
    int64_t row = lexicon->vectors ? mask_vectors_find(lexicon->vectors, word, length) : -1;
    if (row < 0) return MASK_OK;
    size_t n = lexicon->knowledge->info.vector_dim;
    float *vector = mask__arena_alloc(&lexicon->arena, n, sizeof *vector);
    const char *copy = mask__arena_text(&lexicon->arena, word, length);
    if (!vector || !copy) return mask__no_memory(err, "the words of texts");
    mask_vectors_get(lexicon->vectors, (size_t)row, vector);
    if (mask__normalise(vector, n) <= 0) return MASK_OK; /* a zero vector has no neighbours */
    r->kind = MASK_WORD_OOD;
    r->reason = reason;
    r->word = copy;
    return add_term(lexicon, word, length, MASK__NOT_FOUND, vector, &r->term, err);
}

/* The order of trust: as it stands, its lemma, and only then an OOD word; lemmas only by the CAPTION rule. */
static mask_status resolve(mask__lexicon *lexicon, const char *token, size_t length, mask__resolution *r,
                           mask_error *err)
{
    mask_tokens rule = lexicon->knowledge->info.tokens;
    char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES];
    size_t lemma_count = 0;
    const char *dropped = mask__tokens_dropped(rule, token, length);
    if (dropped) {
        r->kind = MASK_WORD_DROPPED;
        r->reason = dropped;
        return MASK_OK;
    }
    MASK__TRY(try_known(lexicon, token, length, "", r, err));
    if (r->kind == MASK_WORD_KNOWN) return MASK_OK;
    if (rule == MASK_TOKENS_CAPTION) lemma_count = mask__wordnet_lemmas(token, length, lemmas);
    for (size_t i = 0; i < lemma_count && r->kind == MASK_WORD_UNKNOWN; i++)
        MASK__TRY(try_known(lexicon, lemmas[i], strlen(lemmas[i]), "lemma", r, err));
    if (r->kind == MASK_WORD_UNKNOWN) MASK__TRY(try_vector(lexicon, token, length, "", r, err));
    for (size_t i = 0; i < lemma_count && r->kind == MASK_WORD_UNKNOWN; i++)
        MASK__TRY(try_vector(lexicon, lemmas[i], strlen(lemmas[i]), "lemma", r, err));
    return MASK_OK;
}

/* A new entry of `seen`, not resolved yet. */
static mask_status new_resolution(mask__lexicon *lexicon, uint32_t seen, const char *token, size_t length,
                                  mask_error *err)
{
    if (!mask__grow(&lexicon->resolutions, &lexicon->resolution_capacity, seen + (size_t)1,
                    sizeof *lexicon->resolutions))
        return mask__no_memory(err, "the words of texts");
    mask__resolution *r = &lexicon->resolutions[seen];
    *r = (mask__resolution){.kind = MASK_WORD_UNKNOWN, .term = MASK__NO_TERM, .reason = ""};
    r->token = r->word = mask__arena_text(&lexicon->arena, token, length);
    return r->token ? MASK_OK : mask__no_memory(err, "the words of texts");
}

static mask_status resolve_cached(mask__lexicon *lexicon, mask__token token, uint32_t *seen, mask_error *err)
{
    bool added;
    MASK__TRY(mask__strings_intern(&lexicon->seen, token.text, token.length, seen, &added, err));
    if (!added) return MASK_OK;
    MASK__TRY(new_resolution(lexicon, *seen, token.text, token.length, err));
    return resolve(lexicon, token.text, token.length, &lexicon->resolutions[*seen], err);
}

/* Resolves "first second" as a compound the knowledge holds; second may be inflected ("hot dogs"). *seen is
 * MASK__NOT_FOUND when first begins no compound. */
static mask_status resolve_compound(mask__lexicon *lexicon, mask__token first, mask__token second, uint32_t *seen,
                                    mask_error *err)
{
    char pair[2 * MASK__LEMMA_BYTES], lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES];
    size_t length = first.length + 1 + second.length;
    bool added;
    *seen = MASK__NOT_FOUND;
    if (length > sizeof pair ||
        mask__strings_find(&lexicon->compound_firsts, first.text, first.length) == MASK__NOT_FOUND)
        return MASK_OK;
    memcpy(pair, first.text, first.length);
    pair[first.length] = ' ';
    memcpy(pair + first.length + 1, second.text, second.length);
    MASK__TRY(mask__strings_intern(&lexicon->seen, pair, length, seen, &added, err));
    if (!added) return MASK_OK;
    MASK__TRY(new_resolution(lexicon, *seen, pair, length, err));
    mask__resolution *r = &lexicon->resolutions[*seen];
    pair[first.length] = '_';
    MASK__TRY(try_known(lexicon, pair, length, "compound", r, err));
    size_t count = r->kind == MASK_WORD_KNOWN ? 0 : mask__wordnet_lemmas(second.text, second.length, lemmas);
    for (size_t i = 0; i < count && r->kind == MASK_WORD_UNKNOWN; i++) {
        size_t lemma_length = strlen(lemmas[i]);
        if (first.length + 1 + lemma_length > sizeof pair) continue;
        memcpy(pair + first.length + 1, lemmas[i], lemma_length);
        MASK__TRY(try_known(lexicon, pair, first.length + 1 + lemma_length, "compound", r, err));
    }
    if (r->kind == MASK_WORD_UNKNOWN) r->kind = MASK_WORD_DROPPED; /* two words, and no compound: nothing is lost */
    return MASK_OK;
}

/* Splits a text and resolves its tokens, each compound after its second part; items index `resolutions`. */
static mask_status read_text(mask__lexicon *lexicon, const char *text, uint32_t **items, size_t *count, mask_error *err)
{
    mask__tokens *tokens = &lexicon->tokens;
    mask_tokens rule = lexicon->knowledge->info.tokens;
    *count = 0;
    MASK__TRY(mask__tokens_split(tokens, rule, text, strlen(text), err));
    *items = mask__arena_alloc(&lexicon->arena, tokens->count * 2, sizeof **items);
    if (!*items) return mask__no_memory(err, "the words of a text");
    for (size_t i = 0; i < tokens->count; i++) {
        uint32_t compound = MASK__NOT_FOUND;
        MASK__TRY(resolve_cached(lexicon, tokens->items[i], &(*items)[(*count)++], err));
        if (i && rule == MASK_TOKENS_CAPTION)
            MASK__TRY(resolve_compound(lexicon, tokens->items[i - 1], tokens->items[i], &compound, err));
        if (compound != MASK__NOT_FOUND && lexicon->resolutions[compound].kind == MASK_WORD_KNOWN)
            (*items)[(*count)++] = compound;
    }
    return MASK_OK;
}

static mask_status append_term(mask__lexicon *lexicon, uint32_t term, mask_error *err)
{
    if (!mask__grow(&lexicon->text_terms, &lexicon->used_capacity, lexicon->used + 1, sizeof *lexicon->text_terms))
        return mask__no_memory(err, "the words of texts");
    lexicon->text_terms[lexicon->used++] = term;
    return MASK_OK;
}

static mask_status end_text(mask__lexicon *lexicon, mask_error *err)
{
    if (!mask__grow(&lexicon->text_at, &lexicon->text_capacity, lexicon->texts + 2, sizeof *lexicon->text_at))
        return mask__no_memory(err, "the words of texts");
    lexicon->text_at[++lexicon->texts] = lexicon->used;
    return MASK_OK;
}

mask_status mask__lexicon_add_text(mask__lexicon *lexicon, const char *text, mask_error *err)
{
    uint32_t *items;
    size_t count;
    MASK__TRY(read_text(lexicon, text, &items, &count, err));
    for (size_t i = 0; i < count; i++) {
        const mask__resolution *r = &lexicon->resolutions[items[i]];
        lexicon->known += r->kind == MASK_WORD_KNOWN;
        lexicon->ood += r->kind == MASK_WORD_OOD;
        lexicon->unusable += r->kind == MASK_WORD_UNKNOWN;
        if (r->term != MASK__NO_TERM) MASK__TRY(append_term(lexicon, r->term, err));
    }
    return end_text(lexicon, err);
}

mask_status mask__lexicon_read(mask__lexicon *lexicon, const char *text, const mask__resolution ***items, size_t *count,
                               mask_error *err)
{
    uint32_t *indices;
    MASK__TRY(read_text(lexicon, text, &indices, count, err));
    *items = mask__arena_alloc(&lexicon->arena, *count, sizeof **items);
    if (!*items) return mask__no_memory(err, "the words of a text");
    for (size_t i = 0; i < *count; i++) (*items)[i] = &lexicon->resolutions[indices[i]];
    return MASK_OK;
}

mask_status mask__lexicon_add_background(mask__lexicon *lexicon, mask_error *err)
{
    const mask__background *b = &lexicon->knowledge->background;
    size_t n = lexicon->knowledge->info.vector_dim;
    mask_status status = MASK_OK;
    uint32_t *terms = malloc((b->words.count + 1) * sizeof *terms); /* background word -> term */
    if (!terms) return mask__no_memory(err, "the background's words");
    for (size_t i = 0; status == MASK_OK && i < b->words.count; i++) {
        size_t length;
        const char *word = mask__strings_get(&b->words, i, &length);
        uint32_t known = mask__strings_find(&lexicon->knowledge->words, word, length);
        terms[i] = MASK__NO_TERM;
        if (known != MASK__NOT_FOUND)
            status = add_term(lexicon, word, length, known, NULL, &terms[i], err);
        else if (lexicon->vectors)
            status = add_term(lexicon, word, length, MASK__NOT_FOUND, b->word_vectors + i * n, &terms[i], err);
    }
    for (size_t t = 0; status == MASK_OK && t < b->texts; t++) {
        for (uint64_t i = b->text_words_at[t]; status == MASK_OK && i < b->text_words_at[t + 1]; i++)
            if (terms[b->text_words[i]] != MASK__NO_TERM) status = append_term(lexicon, terms[b->text_words[i]], err);
        if (status == MASK_OK) status = end_text(lexicon, err);
    }
    free(terms);
    return status;
}

/* Prototypes (ood_count x Z) and nearness of the OOD terms. */
static mask_status ood_prototypes(const mask__lexicon *lexicon, const mask_match_options *options, float *prototypes,
                                  float *nearness, mask_error *err)
{
    mask__space space = mask__knowledge_space(lexicon->knowledge);
    MASK__TRY(mask__ood_prototypes(&space, lexicon->ood_vectors, lexicon->ood_count, false,
                                   (size_t)options->ood_neighbours, options->ood_temperature, prototypes, nearness, err));
    if (options->ood != MASK_OOD_PROCRUSTES) return MASK_OK;
    mask__procrustes fit;
    MASK__TRY(mask__procrustes_fit(&fit, &space, err));
    for (size_t i = 0; i < lexicon->ood_count; i++)
        mask__procrustes_apply(&fit, lexicon->ood_vectors + i * space.n, prototypes + i * space.z);
    mask__procrustes_free(&fit);
    return MASK_OK;
}

/* An OOD word weighs less the farther its neighbours are (method section 9; constants of findings). */
static float ood_weight(const mask_match_options *options, float nearness)
{
    if (options->ood_weight >= 0) return options->ood_weight;
    float weight = nearness - 0.2f;
    return weight > 0.05f ? weight : 0.05f;
}

mask_status mask__lexicon_prototypes(const mask__lexicon *lexicon, const mask_match_options *options, float *prototypes,
                                     float *weights, mask_error *err)
{
    const mask_knowledge *k = lexicon->knowledge;
    size_t z = k->info.dim, count = lexicon->names.count;
    float *ood = malloc((lexicon->ood_count + 1) * z * sizeof *ood);
    float *nearness = malloc((lexicon->ood_count + 1) * sizeof *nearness);
    mask_status status = ood && nearness ? MASK_OK : mask__no_memory(err, "prototypes");
    if (status == MASK_OK && lexicon->ood_count) status = ood_prototypes(lexicon, options, ood, nearness, err);
    for (size_t i = 0; status == MASK_OK && i < count; i++) {
        const mask__term *term = &lexicon->terms[i];
        bool known = term->known != MASK__NOT_FOUND;
        const float *from = known ? k->prototypes + term->known * z : ood + term->vector * z;
        memcpy(prototypes + i * z, from, z * sizeof *from);
        mask__normalise(prototypes + i * z, z);
        weights[i] = known ? 1 : ood_weight(options, nearness[term->vector]);
    }
    free(ood);
    free(nearness);
    return status;
}
