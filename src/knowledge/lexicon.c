#include "knowledge/lexicon.h"
#include "knowledge/suggest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_PART = 3 };

mask_status mask__lexicon_open(mask__lexicon *lexicon, const mask_knowledge *knowledge, const mask_vectors *vectors,
                               mask_error *err)
{
    *lexicon = (mask__lexicon){.knowledge = knowledge, .dictionary = knowledge->dictionary, .vectors = vectors};
    if (vectors) MASK__TRY(mask__knowledge_check_vectors(knowledge, vectors, err));
    if (knowledge->info.learned.tokens == MASK_TOKENS_CAPTION)
        MASK__TRY(mask__dictionary_open(knowledge->dictionary, &knowledge->words, err));
    MASK__TRY(
        mask__room(&lexicon->text_at, &lexicon->text_capacity, 1, sizeof *lexicon->text_at, "the words of texts", err));
    lexicon->text_at[0] = 0;
    return MASK_OK;
}

void mask__lexicon_close(mask__lexicon *lexicon)
{
    mask__arena_free(&lexicon->arena);
    mask__tokens_free(&lexicon->tokens);
    mask__strings_free(&lexicon->seen);
    mask__strings_free(&lexicon->names);
    mask__modifiers_close(lexicon->modifiers);
    free(lexicon->items);
    free(lexicon->token_items);
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
    MASK__TRY(mask__room(&lexicon->terms, &lexicon->term_capacity, *term + (size_t)1, sizeof *lexicon->terms,
                         "the words of texts", err));
    MASK__TRY(mask__room(&lexicon->ood_vectors, &lexicon->ood_capacity, lexicon->ood_count + 1, n * sizeof(float),
                         "the words of texts", err));
    lexicon->terms[*term] = (mask__term){
        .known = known, .vector = (uint32_t)lexicon->ood_count, .base = MASK__NO_TERM, .modifier = MASK__NO_TERM};
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

/* The same as a compound that is spelled otherwise: "hotdog" for hot_dog, "speed-boat" for speedboat. */
static mask_status try_solid(mask__lexicon *lexicon, const char *word, size_t length, mask__resolution *r,
                             mask_error *err)
{
    char letters[MASK__SOLID_BYTES];
    size_t n = mask__solid(word, length, letters);
    uint32_t at = n ? mask__dictionary_compound(lexicon->dictionary, letters, n) : MASK__NOT_FOUND;
    bool inside = n && n < length && word[0] != '-' && word[length - 1] != '-';
    if (at == MASK__NOT_FOUND) return inside ? try_known(lexicon, letters, n, "compound", r, err) : MASK_OK;
    const char *known = mask__strings_get(&lexicon->knowledge->words, at, &length);
    return try_known(lexicon, known, length, "compound", r, err);
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

/* The order of trust: as it stands, the noun's base form, an OOD word, and last any base form ("running" as OOD word is
 * better than as the run of a stocking). Base forms only by the CAPTION rule. */
static mask_status resolve(mask__lexicon *lexicon, const char *token, size_t length, mask__resolution *r,
                           mask_error *err)
{
    mask_tokens rule = lexicon->knowledge->info.learned.tokens;
    char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES];
    size_t nouns = 0, all = 0;
    const char *dropped = mask__tokens_dropped(rule, token, length);
    if (dropped) {
        r->kind = MASK_WORD_DROPPED;
        r->reason = dropped;
        return MASK_OK;
    }
    MASK__TRY(try_known(lexicon, token, length, "", r, err));
    if (r->kind == MASK_WORD_KNOWN) return MASK_OK;
    if (rule == MASK_TOKENS_CAPTION)
        all = mask__wordnet_lemmas(&lexicon->dictionary->wordnet, token, length, lemmas, &nouns);
    for (size_t i = 0; i < nouns && r->kind == MASK_WORD_UNKNOWN; i++)
        MASK__TRY(try_known(lexicon, lemmas[i], strlen(lemmas[i]), "lemma", r, err));
    if (r->kind == MASK_WORD_UNKNOWN) MASK__TRY(try_solid(lexicon, token, length, r, err));
    for (size_t i = 0; i < nouns && r->kind == MASK_WORD_UNKNOWN; i++)
        MASK__TRY(try_solid(lexicon, lemmas[i], strlen(lemmas[i]), r, err));
    if (r->kind == MASK_WORD_UNKNOWN) MASK__TRY(try_vector(lexicon, token, length, "", r, err));
    for (size_t i = nouns; i < all && r->kind == MASK_WORD_UNKNOWN; i++)
        MASK__TRY(try_known(lexicon, lemmas[i], strlen(lemmas[i]), "lemma", r, err));
    for (size_t i = 0; i < all && r->kind == MASK_WORD_UNKNOWN; i++)
        MASK__TRY(try_vector(lexicon, lemmas[i], strlen(lemmas[i]), "lemma", r, err));
    return MASK_OK;
}

/* A new entry of `seen`, not resolved yet. */
static mask_status new_resolution(mask__lexicon *lexicon, uint32_t seen, const char *token, size_t length,
                                  mask_error *err)
{
    MASK__TRY(mask__room(&lexicon->resolutions, &lexicon->resolution_capacity, seen + (size_t)1,
                         sizeof *lexicon->resolutions, "the words of texts", err));
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

/* The word of the knowledge that two words in a row are: hot_dog, or one that is written as one, "speed boat" for
 * speedboat. That proves nothing of an adjective ("black bird"), nor of short words. MASK__NOT_FOUND = none. */
static uint32_t find_compound(const mask__lexicon *lexicon, mask__token first, const char *second, size_t length)
{
    char letters[MASK__SOLID_BYTES + 1], adjective[MASK__LEMMA_BYTES] = {0};
    if (first.length + length > MASK__SOLID_BYTES || first.length >= MASK__LEMMA_BYTES) return MASK__NOT_FOUND;
    memcpy(letters, first.text, first.length);
    memcpy(letters + first.length, second, length);
    uint32_t at = mask__dictionary_compound(lexicon->dictionary, letters, first.length + length);
    if (at != MASK__NOT_FOUND) return at;
    if (first.length < SHORTEST_PART || length < SHORTEST_PART) return MASK__NOT_FOUND;
    at = mask__strings_find(&lexicon->knowledge->words, letters, first.length + length);
    if (at == MASK__NOT_FOUND) return MASK__NOT_FOUND;
    memcpy(adjective, first.text, first.length);
    return mask__morphy_has(&lexicon->dictionary->wordnet, adjective, MASK__ADJECTIVE) ? MASK__NOT_FOUND : at;
}

/* Resolves "first second" as a compound the knowledge holds; second may be in the plural ("hot dogs"). *seen is
 * MASK__NOT_FOUND when they are none. */
static mask_status resolve_compound(mask__lexicon *lexicon, mask__token first, mask__token second, uint32_t *seen,
                                    mask_error *err)
{
    char pair[MASK__SOLID_BYTES + 1], lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES];
    size_t length = first.length + 1 + second.length, nouns = 0;
    bool added, plural = second.length && second.text[second.length - 1] == 's';
    *seen = MASK__NOT_FOUND;
    if (length > sizeof pair) return MASK_OK;
    uint32_t known = find_compound(lexicon, first, second.text, second.length);
    if (known == MASK__NOT_FOUND && plural)
        mask__wordnet_lemmas(&lexicon->dictionary->wordnet, second.text, second.length, lemmas, &nouns);
    for (size_t i = 0; i < nouns && known == MASK__NOT_FOUND; i++)
        known = find_compound(lexicon, first, lemmas[i], strlen(lemmas[i]));
    if (known == MASK__NOT_FOUND) return MASK_OK;
    memcpy(pair, first.text, first.length);
    pair[first.length] = ' ';
    memcpy(pair + first.length + 1, second.text, second.length);
    MASK__TRY(mask__strings_intern(&lexicon->seen, pair, length, seen, &added, err));
    if (!added) return MASK_OK;
    MASK__TRY(new_resolution(lexicon, *seen, pair, length, err));
    const char *word = mask__strings_get(&lexicon->knowledge->words, known, &length);
    return try_known(lexicon, word, length, "compound", &lexicon->resolutions[*seen], err);
}

/* The entry of a token that counts only as a part of something that follows it in the reading. */
static mask_status part_entry(mask__lexicon *lexicon, mask__token token, uint32_t *seen, mask_error *err)
{
    char key[256]; /* no token holds a tab */
    bool added;
    if (token.length + 1 > sizeof key) return MASK_OK;
    memcpy(key, token.text, token.length);
    key[token.length] = '\t';
    MASK__TRY(mask__strings_intern(&lexicon->seen, key, token.length + 1, seen, &added, err));
    if (!added) return MASK_OK;
    MASK__TRY(new_resolution(lexicon, *seen, token.text, token.length, err));
    lexicon->resolutions[*seen].kind = MASK_WORD_DROPPED;
    lexicon->resolutions[*seen].reason = "part of what follows";
    return MASK_OK;
}

static mask_status add_item(mask__lexicon *lexicon, uint32_t item, mask_error *err)
{
    MASK__TRY(mask__room(&lexicon->items, &lexicon->item_capacity, lexicon->item_count + 1, sizeof *lexicon->items,
                         "the words of a text", err));
    lexicon->items[lexicon->item_count++] = item;
    return MASK_OK;
}

/* A hyphenated token that is no word of the knowledge counts as its parts: "brown-haired". */
static mask_status add_hyphen_parts(mask__lexicon *lexicon, mask__token token, mask_error *err)
{
    size_t begin = 0;
    for (size_t i = 0; i <= token.length; i++) {
        if (i < token.length && token.text[i] != '-') continue;
        mask__token part = {token.text + begin, i - begin};
        uint32_t item;
        begin = i + 1;
        if (part.length == 0) continue;
        MASK__TRY(resolve_cached(lexicon, part, &item, err));
        MASK__TRY(add_item(lexicon, item, err));
    }
    return MASK_OK;
}

/* Splits a text and resolves its tokens into lexicon->items, which index `resolutions`. What takes the place of tokens,
 * a compound or the parts of a hyphenated word, stands behind them. */
static mask_status read_text(mask__lexicon *lexicon, const char *text, mask_error *err)
{
    mask__tokens *tokens = &lexicon->tokens;
    mask_tokens rule = lexicon->knowledge->info.learned.tokens;
    size_t previous = SIZE_MAX; /* where the token before stands in items, when it may begin a compound */
    lexicon->item_count = 0;
    MASK__TRY(mask__tokens_split(tokens, rule, text, strlen(text), err));
    MASK__TRY(mask__room(&lexicon->token_items, &lexicon->token_capacity, tokens->count, sizeof *lexicon->token_items,
                         "the words of a text", err));
    for (size_t i = 0; i < tokens->count; i++) {
        uint32_t item, compound = MASK__NOT_FOUND;
        mask__token token = tokens->items[i];
        MASK__TRY(resolve_cached(lexicon, token, &item, err));
        if (previous != SIZE_MAX && rule == MASK_TOKENS_CAPTION)
            MASK__TRY(resolve_compound(lexicon, tokens->items[i - 1], token, &compound, err));
        bool hyphenated = rule == MASK_TOKENS_CAPTION && lexicon->resolutions[item].kind != MASK_WORD_KNOWN &&
                          memchr(token.text, '-', token.length) != NULL;
        bool joins = compound != MASK__NOT_FOUND;
        if (joins) MASK__TRY(part_entry(lexicon, tokens->items[i - 1], &lexicon->items[previous], err));
        if (joins || hyphenated) MASK__TRY(part_entry(lexicon, token, &item, err));
        lexicon->token_items[i] = lexicon->item_count;
        MASK__TRY(add_item(lexicon, item, err));
        previous = joins || hyphenated ? SIZE_MAX : lexicon->item_count - 1;
        if (joins) MASK__TRY(add_item(lexicon, compound, err));
        if (!joins && hyphenated) MASK__TRY(add_hyphen_parts(lexicon, token, err));
    }
    return MASK_OK;
}

static mask_status append_term(mask__lexicon *lexicon, uint32_t term, mask_error *err)
{
    MASK__TRY(mask__room(&lexicon->text_terms, &lexicon->used_capacity, lexicon->used + 1, sizeof *lexicon->text_terms,
                         "the words of texts", err));
    lexicon->text_terms[lexicon->used++] = term;
    return MASK_OK;
}

static mask_status end_text(mask__lexicon *lexicon, mask_error *err)
{
    MASK__TRY(mask__room(&lexicon->text_at, &lexicon->text_capacity, lexicon->texts + 2, sizeof *lexicon->text_at,
                         "the words of texts", err));
    lexicon->text_at[++lexicon->texts] = lexicon->used;
    return MASK_OK;
}

/* The term of a noun with its modifier: "red shirt". It is the noun's but for its prototypes. */
static mask_status modified_term(mask__lexicon *lexicon, uint32_t base, uint32_t modifier, uint32_t *term,
                                 mask_error *err)
{
    size_t base_length, length;
    bool added;
    const char *noun = mask__strings_get(&lexicon->names, base, &base_length);
    const char *word = mask__strings_get(&lexicon->names, modifier, &length);
    char *name = malloc(length + 1 + base_length);
    if (!name) return mask__no_memory(err, "the words of texts");
    memcpy(name, word, length);
    name[length] = ' '; /* which no token holds */
    memcpy(name + length + 1, noun, base_length);
    mask_status status = mask__strings_intern(&lexicon->names, name, length + 1 + base_length, term, &added, err);
    free(name);
    if (status != MASK_OK || !added) return status;
    MASK__TRY(mask__room(&lexicon->terms, &lexicon->term_capacity, *term + (size_t)1, sizeof *lexicon->terms,
                         "the words of texts", err));
    lexicon->terms[*term] = lexicon->terms[base];
    lexicon->terms[*term].base = base;
    lexicon->terms[*term].modifier = modifier;
    return MASK_OK;
}

/* In the text read last, whose terms begin at `first`: each noun that has a modifier becomes the noun with it. */
static mask_status modify_nouns(mask__lexicon *lexicon, size_t first, mask_error *err)
{
    const mask__modifier *pairs;
    size_t count;
    MASK__TRY(mask__modifiers_next(lexicon->modifiers, &lexicon->tokens, &pairs, &count, err));
    for (size_t i = 0; i < count; i++) {
        size_t noun = lexicon->token_items[pairs[i].noun], place = first;
        uint32_t modifier = lexicon->resolutions[lexicon->items[lexicon->token_items[pairs[i].modifier]]].term;
        if (modifier == MASK__NO_TERM || lexicon->resolutions[lexicon->items[noun]].term == MASK__NO_TERM) continue;
        for (size_t j = 0; j < noun; j++) place += lexicon->resolutions[lexicon->items[j]].term != MASK__NO_TERM;
        uint32_t *term = &lexicon->text_terms[place];
        MASK__TRY(modified_term(lexicon, *term, modifier, term, err));
    }
    return MASK_OK;
}

mask_status mask__lexicon_add_text(mask__lexicon *lexicon, const char *text, mask_error *err)
{
    size_t first = lexicon->used;
    MASK__TRY(read_text(lexicon, text, err));
    for (size_t i = 0; i < lexicon->item_count; i++) {
        const mask__resolution *r = &lexicon->resolutions[lexicon->items[i]];
        lexicon->known += r->kind == MASK_WORD_KNOWN;
        lexicon->ood += r->kind == MASK_WORD_OOD;
        lexicon->unusable += r->kind == MASK_WORD_UNKNOWN;
        if (r->term != MASK__NO_TERM) MASK__TRY(append_term(lexicon, r->term, err));
    }
    if (lexicon->modifiers) MASK__TRY(modify_nouns(lexicon, first, err));
    return end_text(lexicon, err);
}

mask_status mask__lexicon_read(mask__lexicon *lexicon, const char *text, const mask__resolution ***items, size_t *count,
                               mask_error *err)
{
    MASK__TRY(read_text(lexicon, text, err));
    *count = lexicon->item_count;
    *items = mask__arena_alloc(&lexicon->arena, *count, sizeof **items);
    if (!*items) return mask__no_memory(err, "the words of a text");
    for (size_t i = 0; i < *count; i++) (*items)[i] = &lexicon->resolutions[lexicon->items[i]];
    return MASK_OK;
}

mask_status mask__lexicon_add_known(mask__lexicon *lexicon, mask_error *err)
{
    const mask__strings *words = &lexicon->knowledge->words;
    for (size_t i = 0; i < words->count; i++) {
        size_t length;
        uint32_t term;
        const char *word = mask__strings_get(words, i, &length);
        MASK__TRY(add_term(lexicon, word, length, (uint32_t)i, NULL, &term, err));
    }
    return MASK_OK;
}

mask_status mask__lexicon_add_background(mask__lexicon *lexicon, bool ood, mask_error *err)
{
    const mask__background *b = &lexicon->knowledge->background;
    size_t n = lexicon->knowledge->info.vector_dim;
    /* background word -> term */
    MASK__FREED uint32_t *terms = malloc((b->words.count + 1) * sizeof *terms);
    if (!terms) return mask__no_memory(err, "the background's words");
    for (size_t i = 0; i < b->words.count; i++) {
        size_t length;
        const char *word = mask__strings_get(&b->words, i, &length);
        uint32_t known = mask__strings_find(&lexicon->knowledge->words, word, length);
        const float *vector = known == MASK__NOT_FOUND ? b->word_vectors + i * n : NULL;
        terms[i] = MASK__NO_TERM;
        if (!vector || ood) MASK__TRY(add_term(lexicon, word, length, known, vector, &terms[i], err));
    }
    for (size_t t = 0; t < b->texts; t++) {
        for (uint64_t i = b->text_words_at[t]; i < b->text_words_at[t + 1]; i++)
            if (terms[b->text_words[i]] != MASK__NO_TERM) MASK__TRY(append_term(lexicon, terms[b->text_words[i]], err));
        MASK__TRY(end_text(lexicon, err));
    }
    return MASK_OK;
}

/* How far co-occurrence is trusted for each OOD term, and its company vector: words the background holds often. */
static void find_company(const mask__lexicon *lexicon, float share, float *company, float *trust)
{
    enum { OFTEN = 20 }; /* texts from which on the full share is trusted */
    const mask__background *b = &lexicon->knowledge->background;
    for (size_t i = 0; i < lexicon->names.count; i++) {
        size_t length, ood = lexicon->terms[i].vector;
        if (lexicon->terms[i].known != MASK__NOT_FOUND) continue;
        const char *name = mask__strings_get(&lexicon->names, i, &length);
        uint32_t at = mask__strings_find(&b->words, name, length);
        if (at == MASK__NOT_FOUND) continue;
        uint64_t texts = b->word_texts[at] < OFTEN ? b->word_texts[at] : OFTEN;
        trust[ood] = share * (float)texts / OFTEN;
        memcpy(company + ood * b->company_dim, b->company + at * b->company_dim, b->company_dim * sizeof *company);
    }
}

mask_status mask__lexicon_neighbours(const mask__lexicon *lexicon, const mask_match_options *options,
                                     mask__neighbours *out, mask_error *err)
{
    mask__word_space known = mask__knowledge_space(lexicon->knowledge), queries = known;
    mask__neighbour_options o = {.m = (size_t)options->ood_neighbours, .temperature = options->ood_temperature};
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    *out = (mask__neighbours){0};
    queries.count = lexicon->ood_count;
    queries.vectors = lexicon->ood_vectors;
    queries.company = NULL;
    if (options->ood_company > 0 && known.company) {
        float *company = mask__arena_alloc(&work, queries.count * known.s, sizeof *company);
        float *trust = mask__arena_alloc(&work, queries.count, sizeof *trust);
        if (work.lost) return mask__no_memory(err, "co-occurrence");
        find_company(lexicon, options->ood_company, company, trust);
        queries.company = company;
        o.trust = trust;
    }
    return mask__neighbours_find(out, &known, &queries, &o, err);
}

/* An OOD word weighs less the farther its neighbours are (docs/matching.md). */
static float ood_weight(const mask_match_options *options, float nearness)
{
    if (options->ood_weight >= 0) return options->ood_weight;
    float weight = nearness - 0.2f;
    return weight > 0.05f ? weight : 0.05f;
}

/* out (terms x z), unit: rows of known terms from table (known words x z), of OOD terms from ood (ood_count x z), of
 * nouns with a modifier from their own rows in out: unit(noun + weight x modifier). */
static void spread_rows(const mask__lexicon *lexicon, const float *table, const float *ood, float weight, size_t z,
                        float *out)
{
    for (size_t i = 0; i < lexicon->names.count; i++) {
        const mask__term *term = &lexicon->terms[i];
        const float *from = term->known != MASK__NOT_FOUND ? table + term->known * z : ood + term->vector * z;
        if (term->base != MASK__NO_TERM) from = out + term->base * z; /* earlier terms, both */
        memcpy(out + i * z, from, z * sizeof *from);
        if (term->base != MASK__NO_TERM) mask__axpy(weight, out + term->modifier * z, out + i * z, z);
        mask__normalise(out + i * z, z);
    }
}

static mask_status procrustes(const mask__lexicon *lexicon, float *ood, mask_error *err)
{
    const mask_knowledge *k = lexicon->knowledge;
    size_t n = k->info.vector_dim, z = k->info.dim;
    mask__procrustes fit;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    MASK__TRY(mask__procrustes_fit(&fit, k->word_vectors, n, k->prototypes, z, k->info.words, &work, err));
    for (size_t i = 0; i < lexicon->ood_count; i++)
        mask__procrustes_apply(&fit, lexicon->ood_vectors + i * n, ood + i * z);
    return MASK_OK;
}

static mask_status weigh_terms(const mask__lexicon *lexicon, const mask_match_options *options,
                               const mask__neighbours *neighbours, mask__term_values *values, mask_error *err)
{
    const mask_knowledge *k = lexicon->knowledge;
    MASK__FREED float *logs = malloc((k->info.words + lexicon->ood_count) * sizeof *logs);
    if (!logs) return mask__no_memory(err, "reliabilities");
    float *ood = logs + k->info.words;
    for (size_t i = 0; i < k->info.words; i++) logs[i] = k->reliability ? logf(k->reliability[i]) : 0;
    mask__neighbours_mean(neighbours, logs, 1, ood);
    for (size_t i = 0; i < lexicon->names.count; i++) {
        const mask__term *term = &lexicon->terms[i];
        bool known = term->known != MASK__NOT_FOUND;
        values->weights[i] = known ? 1 : ood_weight(options, neighbours->nearness[term->vector]);
        values->reliability[i] = expf(known ? logs[term->known] : ood[term->vector]);
    }
    return MASK_OK;
}

mask_status mask__lexicon_values_from(const mask__lexicon *lexicon, const mask_match_options *options,
                                      const mask__neighbours *neighbours, mask__term_values *values, mask_error *err)
{
    const mask_knowledge *k = lexicon->knowledge;
    size_t z = k->info.dim;
    MASK__FREED float *ood = malloc((lexicon->ood_count + 1) * z * sizeof *ood);
    if (!ood) return mask__no_memory(err, "prototypes");
    mask__neighbours_mean(neighbours, k->prototypes, z, ood);
    if (options->ood == MASK_OOD_PROCRUSTES) MASK__TRY(procrustes(lexicon, ood, err));
    spread_rows(lexicon, k->prototypes, ood, options->adjective, z, values->prototypes);
    if (values->scenes) {
        mask__neighbours_mean(neighbours, k->scene_prototypes, z, ood);
        spread_rows(lexicon, k->scene_prototypes, ood, options->adjective, z, values->scenes);
    }
    return weigh_terms(lexicon, options, neighbours, values, err);
}

mask_status mask__term_values_make(mask__term_values *out, const mask__lexicon *lexicon, const mask_match_options *o,
                                   mask__arena *arena, mask_error *err)
{
    size_t terms = lexicon->names.count, z = lexicon->knowledge->info.dim;
    MASK__CLOSED(mask__neighbours_free) mask__neighbours neighbours = {0};
    *out = (mask__term_values){.prototypes = mask__arena_matrix(arena, terms, z, sizeof(float)),
                               .scenes = o->scene > 0 ? mask__arena_matrix(arena, terms, z, sizeof(float)) : NULL,
                               .weights = mask__arena_alloc(arena, terms, sizeof(float)),
                               .reliability = mask__arena_alloc(arena, terms, sizeof(float))};
    if (!out->prototypes || !out->weights || !out->reliability || (o->scene > 0 && !out->scenes))
        return mask__no_memory(err, "prototypes");
    MASK__TRY(mask__lexicon_neighbours(lexicon, o, &neighbours, err));
    return mask__lexicon_values_from(lexicon, o, &neighbours, out, err);
}

static const char *keep(mask__arena *arena, const char *text)
{
    return mask__arena_text(arena, text, strlen(text));
}

static mask_status suggest(mask_word *out, const mask_knowledge *k, mask__arena *arena, mask_error *err)
{
    const char *found[MASK__SUGGESTIONS], **list;
    size_t count = mask__suggest(k, out->token, strlen(out->token), found);
    if (!(list = mask__arena_alloc(arena, count, sizeof *list))) return mask__no_memory(err, "a reading");
    for (size_t i = 0; i < count; i++)
        if (!(list[i] = keep(arena, found[i]))) return mask__no_memory(err, "a reading");
    out->suggestions = list;
    out->suggestion_count = count;
    return MASK_OK;
}

mask_status mask__lexicon_word(mask_word *out, const mask__lexicon *lexicon, const mask__resolution *r, float weight,
                               const mask__ranked *neighbours, size_t m, mask__arena *arena, mask_error *err)
{
    const mask_knowledge *k = lexicon->knowledge;
    size_t n = k->info.vector_dim;
    *out = (mask_word){.token = keep(arena, r->token),
                       .word = keep(arena, r->word),
                       .reason = keep(arena, r->reason),
                       .kind = r->kind,
                       .weight = weight};
    if (!out->token || !out->word || !out->reason) return mask__no_memory(err, "a reading");
    if (r->kind == MASK_WORD_UNKNOWN) MASK__TRY(suggest(out, k, arena, err));
    if (r->kind == MASK_WORD_KNOWN) out->count = k->counts[lexicon->terms[r->term].known];
    if (!neighbours) return MASK_OK;
    const float *vector = lexicon->ood_vectors + lexicon->terms[r->term].vector * n;
    mask_word_neighbour *list = mask__arena_alloc(arena, m, sizeof *list);
    if (!list) return mask__no_memory(err, "neighbours");
    for (size_t q = 0; q < m; q++) {
        uint32_t known = neighbours[q].index;
        list[q] = (mask_word_neighbour){.word = keep(arena, mask_knowledge_word(k, known, NULL)),
                                        .cosine = mask__dot(vector, k->word_vectors + known * n, n),
                                        .weight = neighbours[q].value};
        if (!list[q].word) return mask__no_memory(err, "neighbours");
    }
    out->neighbours = list;
    out->neighbour_count = m;
    return MASK_OK;
}
