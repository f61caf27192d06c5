/* The public face of matching: score matrices, readings of texts, explanations of pairs. */
#include "match/matcher.h"

#include <string.h>

static void fill_report(const mask__matcher *m, size_t images, mask_match_report *r)
{
    const mask__lexicon *l = &m->lexicon;
    *r = (mask_match_report){.images = images,
                             .texts = m->queries,
                             .known = l->known,
                             .ood = l->ood,
                             .unusable = l->unusable,
                             .transductive = m->transductive,
                             .whole_is_region = m->whole_region >= 0,
                             .whole_region = m->whole_region,
                             .seconds_columns = m->times.seconds,
                             .seconds_gemm = m->times.seconds_gemm,
                             .gflop_gemm = m->times.gflop_gemm};
    for (size_t t = 0; t < m->queries; t++) r->skipped += l->text_at[t] == l->text_at[t + 1];
}

static void count_words(const mask__matcher *m, size_t terms, mask_match_report *r)
{
    for (size_t w = 0; w < terms; w++) {
        const mask__term *term = &m->lexicon.terms[w];
        if (term->base == MASK__NO_TERM) *(term->known != MASK__NOT_FOUND ? &r->known_words : &r->ood_words) += 1;
    }
}

static void fill_kinds(const mask__matcher *m, unsigned char *kinds)
{
    const mask__lexicon *l = &m->lexicon;
    for (size_t t = 0; t < m->queries; t++) {
        kinds[t] = 0;
        for (size_t p = l->text_at[t]; p < l->text_at[t + 1]; p++)
            kinds[t] |= l->terms[l->text_terms[p]].known != MASK__NOT_FOUND ? 1 : 2;
    }
}

mask_status mask_match_scores(const mask_knowledge *knowledge, const mask_vectors *vectors, const mask_images *images,
                              const mask_texts *texts, const mask_match_options *options, float *scores,
                              unsigned char *text_kinds, mask_match_report *report, const mask_run *run,
                              mask_error *err)
{
    mask__matcher m;
    MASK__TRY(mask__matcher_open(&m, knowledge, vectors, options, err));
    mask_status status = MASK_OK;
    for (size_t t = 0; status == MASK_OK && t < mask_texts_count(texts); t++)
        status = mask__matcher_add(&m, mask_texts_get(texts, t), err);
    size_t query_terms = m.lexicon.names.count;
    if (status == MASK_OK) status = mask__matcher_run(&m, images, scores, run, err);
    if (status == MASK_OK && report) {
        fill_report(&m, mask_images_count(images), report);
        count_words(&m, query_terms, report);
    }
    if (status == MASK_OK && text_kinds) fill_kinds(&m, text_kinds);
    mask__matcher_close(&m);
    return status;
}

/* The neighbours of an OOD word, copied into the arena. */
static mask_status add_neighbours(mask_word *word, const mask__lexicon *lexicon, const mask__neighbours *neighbours,
                                  size_t ood, mask__arena *arena, mask_error *err)
{
    const mask_knowledge *k = lexicon->knowledge;
    size_t n = k->info.vector_dim, m = neighbours->m;
    mask_word_neighbour *out = mask__arena_alloc(arena, m, sizeof *out);
    if (!out) return mask__no_memory(err, "neighbours");
    for (size_t q = 0; q < m; q++) {
        mask__ranked item = neighbours->items[ood * m + q];
        out[q] = (mask_word_neighbour){
            .word = mask_knowledge_word(k, item.index, NULL),
            .cosine = mask__dot(lexicon->ood_vectors + ood * n, k->word_vectors + item.index * n, n),
            .weight = item.value};
    }
    word->neighbours = out;
    word->neighbour_count = m;
    return MASK_OK;
}

static const char *keep(mask__arena *arena, const char *text)
{
    return mask__arena_text(arena, text, strlen(text));
}

/* One token's fate, copied out of the lexicon. weights: of all terms. */
static mask_status copy_word(mask_word *w, const mask__resolution *r, const mask__lexicon *lexicon,
                             const mask__neighbours *neighbours, const float *weights, mask__arena *arena,
                             mask_error *err)
{
    *w = (mask_word){.token = keep(arena, r->token),
                     .word = keep(arena, r->word),
                     .reason = keep(arena, r->reason),
                     .kind = r->kind};
    if (!w->token || !w->word || !w->reason) return mask__no_memory(err, "a reading");
    if (r->term == MASK__NO_TERM) return MASK_OK;
    const mask__term *term = &lexicon->terms[r->term];
    w->weight = weights[r->term];
    if (r->kind == MASK_WORD_KNOWN) w->count = lexicon->knowledge->counts[term->known];
    return r->kind == MASK_WORD_OOD ? add_neighbours(w, lexicon, neighbours, term->vector, arena, err) : MASK_OK;
}

static mask_status copy_reading(mask_reading *out, mask__lexicon *lexicon, const char *text, const float *weights,
                                const mask_match_options *o, mask__arena *arena, mask_error *err)
{
    const mask__resolution **items;
    mask__neighbours neighbours;
    MASK__TRY(mask__lexicon_read(lexicon, text, &items, &out->count, err));
    mask_word *words = mask__arena_alloc(arena, out->count, sizeof *words);
    if (!words) return mask__no_memory(err, "a reading");
    out->words = words;
    mask_status status = mask__lexicon_neighbours(lexicon, o, &neighbours, err);
    for (size_t i = 0; status == MASK_OK && i < out->count; i++)
        status = copy_word(&words[i], items[i], lexicon, &neighbours, weights, arena, err);
    mask__neighbours_free(&neighbours);
    return status;
}

mask_status mask_reading_create(mask_reading *out, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                const char *text, const mask_match_options *options, mask_error *err)
{
    mask__matcher m;
    mask__arena arena = {0};
    *out = (mask_reading){0};
    MASK__TRY(mask__matcher_open(&m, knowledge, vectors, options, err));
    mask_status status = mask__matcher_add(&m, text, err);
    if (status == MASK_OK) status = mask__matcher_value_terms(&m, err);
    if (status == MASK_OK) status = copy_reading(out, &m.lexicon, text, m.values.weights, &m.options, &arena, err);
    mask__matcher_close(&m);
    out->memory = arena.head;
    if (status != MASK_OK) mask_reading_free(out);
    return status;
}

void mask_reading_free(mask_reading *reading)
{
    mask__arena arena = {.head = reading->memory};
    mask__arena_free(&arena);
    *reading = (mask_reading){0};
}

/* The word x region table and word scores of one image after a run over all of them. */
static mask_status copy_table(mask_explanation *out, mask__matcher *m, const mask_images *images, size_t image,
                              mask__arena *arena, mask_error *err)
{
    const mask_reading *reading = &out->reading;
    size_t z = m->knowledge->info.dim, count = mask_images_count(images), used = 0;
    size_t words = m->lexicon.text_at[1], regions = mask_images_regions(images, image);
    float *prototypes = mask__arena_alloc(&m->arena, words * z, sizeof *prototypes);
    float *cosines = mask__arena_alloc(arena, words * regions, sizeof *cosines);
    float *scores = mask__arena_alloc(arena, words, sizeof *scores);
    size_t *index = mask__arena_alloc(arena, words, sizeof *index);
    if (!prototypes || !cosines || !scores || !index) return mask__no_memory(err, "an explanation");
    for (size_t i = 0; i < reading->count; i++)
        if (reading->words[i].kind == MASK_WORD_KNOWN || reading->words[i].kind == MASK_WORD_OOD) index[used++] = i;
    for (size_t w = 0; w < words; w++) {
        uint32_t term = m->lexicon.text_terms[w];
        memcpy(prototypes + w * z, m->values.prototypes + term * z, z * sizeof *prototypes);
        scores[w] = m->columns[term * count + image];
    }
    out->words = words;
    out->regions = regions;
    out->word_index = index;
    out->word_scores = scores;
    out->cosines = cosines;
    mask__regions set = mask__regions_of_images(images, &m->knowledge->representation);
    return words ? mask__columns_table(&set, image, prototypes, words, cosines, err) : MASK_OK;
}

static mask_status explain(mask_explanation *out, mask__matcher *m, const mask_images *images, size_t image,
                           const char *text, mask__arena *arena, const mask_run *run, mask_error *err)
{
    float *scores = mask__arena_alloc(&m->arena, mask_images_count(images), sizeof *scores);
    if (!scores) return mask__no_memory(err, "an explanation");
    MASK__TRY(mask__matcher_add(m, text, err));
    MASK__TRY(mask__matcher_run(m, images, scores, run, err));
    MASK__TRY(copy_reading(&out->reading, &m->lexicon, text, m->values.weights, &m->options, arena, err));
    MASK__TRY(copy_table(out, m, images, image, arena, err));
    mask_calibrate level = m->options.calibrate;
    out->score = scores[image];
    out->transductive = m->transductive;
    out->text_mean = level >= MASK_CALIBRATE_TEXT ? m->text_mean[0] : 0;
    out->text_deviation = level >= MASK_CALIBRATE_TEXT ? m->text_deviation[0] : 1;
    if (level >= MASK_CALIBRATE_FULL) out->text_deviation *= m->image_deviation[image];
    out->hub_image = level >= MASK_CALIBRATE_FULL ? m->options.hub_image * m->hub_image[image] : 0;
    out->hub_text = level >= MASK_CALIBRATE_FULL ? m->options.hub_text * m->hub_text[0] : 0;
    return MASK_OK;
}

mask_status mask_explanation_create(mask_explanation *out, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                    const mask_images *images, size_t image, const char *text,
                                    const mask_match_options *options, const mask_run *run, mask_error *err)
{
    mask__matcher m;
    mask__arena arena = {0};
    *out = (mask_explanation){0};
    if (image >= mask_images_count(images))
        return mask__fail(err, MASK_ENOTFOUND, MASK_NO_OFFSET, "image %zu does not exist: there are %zu", image,
                          mask_images_count(images));
    MASK__TRY(mask__matcher_open(&m, knowledge, vectors, options, err));
    mask_status status = explain(out, &m, images, image, text, &arena, run, err);
    mask__matcher_close(&m);
    out->memory = arena.head;
    if (status != MASK_OK) mask_explanation_free(out);
    return status;
}

void mask_explanation_free(mask_explanation *explanation)
{
    mask__arena arena = {.head = explanation->memory};
    mask__arena_free(&arena);
    *explanation = (mask_explanation){0};
}
