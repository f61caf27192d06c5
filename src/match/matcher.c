/* The public face of matching: a matcher, opened once, and its scores, readings of texts and explanations of pairs.
 *
 * What a call needs of texts lives as long as the call; what the matcher keeps is the statistics of the background,
 * made under its lock when they are first needed. So any number of threads may use one. */
#include "match/matcher.h"
#include "text/language.h"
#include "base/options.h"
#include "images/images.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

mask_status mask__matcher_new(mask_matcher **out, const mask_knowledge *k, const mask_vectors *vectors,
                              const mask_match_options *options, mask_error *err)
{
    mask_match_options o = mask_match_defaults(k);
    *out = NULL;
    MASK__TRY(mask__options_take(MASK_OPTIONS_MATCH, &o, options, err));
    MASK__TRY(mask__match_check(&o, k, err));
    mask_matcher *m = calloc(1, sizeof *m);
    if (!m || pthread_mutex_init(&m->lock, NULL) != 0) {
        free(m);
        return mask__no_memory(err, "a matcher");
    }
    m->knowledge = k;
    m->vectors = o.ood == MASK_OOD_OFF ? NULL : vectors;
    m->options = o;
    *out = m;
    return MASK_OK;
}

mask_status mask_matcher_open(mask_matcher **out, const mask_knowledge *k, const mask_vectors *vectors,
                              const mask_match_options *options, const mask_run *run, mask_error *err)
{
    (void)run;
    MASK__TRY(mask__matcher_new(out, k, vectors, options, err));
    mask_status status = MASK_OK;
    if ((*out)->options.ood != MASK_OOD_OFF && !vectors)
        status = mask__fail(err, MASK_EINVAL,
                            "out-of-knowledge words need the word vectors the knowledge was learned with (%s): give "
                            "them, or match without such words",
                            k->info.vectors_path);
    else if ((*out)->vectors) status = mask__knowledge_check_vectors(k, vectors, err);
    if (status == MASK_OK) return MASK_OK;
    mask_matcher_close(*out);
    *out = NULL;
    return status;
}

void mask_matcher_close(mask_matcher *m)
{
    if (!m) return;
    for (int i = 0; i < 2; i++) {
        mask__image_terms_free(&m->terms[i]);
        if (m->ready[i]) mask__calibration_close(&m->calibrations[i]);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

mask_status mask__matcher_calibration(mask_matcher *m, int whole_region, const mask__calibration **out,
                                      const mask_run *run, mask_error *err)
{
    int which = whole_region >= 0;
    mask__calibration *c = &m->calibrations[which];
    mask_status status = MASK_OK;
    *out = c;
    pthread_mutex_lock(&m->lock);
    if (!m->ready[which]) {
        status = mask__calibration_open(c, m->knowledge, &m->options, whole_region, run, err);
        m->ready[which] = status == MASK_OK;
    }
    pthread_mutex_unlock(&m->lock);
    return status;
}

/* What texts are scored with. */
static mask_status image_terms(mask_matcher *m, int whole_region, const mask__image_terms **out, const mask_run *run,
                               mask_error *err)
{
    int which = whole_region >= 0;
    const mask__calibration *c;
    MASK__TRY(mask__matcher_calibration(m, whole_region, &c, run, err));
    mask_status status = MASK_OK;
    *out = &m->terms[which];
    pthread_mutex_lock(&m->lock);
    if (!m->terms_ready[which]) {
        status = mask__image_terms_make(&m->terms[which], c, err);
        m->terms_ready[which] = status == MASK_OK;
        if (status != MASK_OK) mask__image_terms_free(&m->terms[which]);
    }
    pthread_mutex_unlock(&m->lock);
    return status;
}

/* ---- Images ---- */

mask_status mask__matcher_regions(const mask_matcher *m, const mask_images *images, mask__regions *regions,
                                  int *whole_region, mask_error *err)
{
    MASK__TRY(mask__knowledge_check_images(m->knowledge, images, err));
    *whole_region = m->options.whole_region;
    if (*whole_region == MASK_WHOLE_AUTO) *whole_region = mask__images_first_covers(images) ? 0 : MASK_WHOLE_MEAN;
    *regions = mask__regions_of_images(images, &m->knowledge->representation);
    return MASK_OK;
}

/* ---- Scores ---- */

/* A few pairs are done before a second thread has woken up. Statistics, where they are still to be made, take their
 * own. */
static int threads_for(const mask_matcher *m, size_t images, size_t texts, const mask_run *run)
{
    enum { ALONE = 16 };
    bool transductive = m->knowledge->background.images == 0 && m->options.calibrate != MASK_CALIBRATE_NONE;
    return images <= ALONE && texts <= ALONE && !transductive ? 1 : mask__threads(run);
}

/* Opens and prepares a batch of `count` texts. */
static mask_status prepare(mask_matcher *m, const char *const *texts, size_t count, int whole_region,
                           mask__text_batch *out, const mask_run *run, mask_error *err)
{
    const mask__image_terms *t = NULL;
    MASK__TRY(mask__text_batch_open(out, m->knowledge, m->vectors, &m->options, texts, count, err));
    if (m->options.calibrate != MASK_CALIBRATE_NONE && !out->transductive)
        MASK__TRY(image_terms(m, whole_region, &t, run, err));
    return mask__text_batch_prepare(out, t, run, err);
}

mask_status mask__matcher_texts(mask_matcher *m, const mask_texts *texts, int whole_region, mask__text_batch *out,
                                const mask_run *run, mask_error *err)
{
    size_t count = mask_texts_count(texts);
    const char **lines = malloc((count + 1) * sizeof *lines);
    *out = (mask__text_batch){0};
    if (!lines) return mask__no_memory(err, "texts");
    for (size_t t = 0; t < count; t++) lines[t] = mask_texts_get(texts, t);
    mask_status status = prepare(m, lines, count, whole_region, out, run, err);
    free(lines);
    return status;
}

static void fill_report(const mask__text_batch *b, size_t images, int whole_region, mask_match_report *r)
{
    const mask__lexicon *l = &b->lexicon;
    *r = (mask_match_report){.images = images,
                             .texts = b->texts.count,
                             .known = l->known,
                             .ood = l->ood,
                             .unusable = l->unusable,
                             .transductive = b->transductive,
                             .whole_is_region = whole_region >= 0,
                             .whole_region = whole_region,
                             .seconds_columns = b->times.seconds,
                             .seconds_gemm = b->times.seconds_gemm,
                             .gflop_gemm = b->times.gflop_gemm};
    for (size_t t = 0; t < b->texts.count; t++) r->skipped += !mask__text_usable(b, t);
    for (size_t w = 0; w < b->own; w++)
        if (l->terms[w].base == MASK__NO_TERM)
            *(l->terms[w].known != MASK__NOT_FOUND ? &r->known_words : &r->ood_words) += 1;
}

static void fill_kinds(const mask__text_batch *b, unsigned char *kinds)
{
    const mask__text_list *l = &b->texts;
    for (size_t t = 0; t < l->count; t++) {
        kinds[t] = 0;
        for (size_t p = l->at[t]; p < l->at[t + 1]; p++)
            kinds[t] |= b->lexicon.terms[l->terms[p]].known != MASK__NOT_FOUND ? 1 : 2;
    }
}

static mask_status score_all(mask__text_batch *b, const mask__regions *regions, int whole_region, float *scores,
                             const mask_run *run, mask_error *err)
{
    size_t all = regions->count, at_once = b->transductive ? all : MASK__SCORE_IMAGES, texts = b->texts.count;
    bool shared = mask__team_size(run) > 1 && !b->transductive; /* else statistics need all images in each process */
    if (shared && at_once > all / mask__team_size(run) + 1) at_once = all / mask__team_size(run) + 1;
    if (shared) memset(scores, 0, texts * all * sizeof *scores);
    for (size_t first = 0, part_number = 0; first < all; first += at_once, part_number++) {
        if (shared && part_number % mask__team_size(run) != mask__team_rank(run)) continue;
        mask__regions part = mask__regions_part(regions, first, all - first < at_once ? all - first : at_once);
        MASK__TRY(mask__progress(run, "scores", "images", first, all, err));
        MASK__TRY(mask__text_batch_score(b, &part, whole_region, scores + first, all, NULL, run, err));
    }
    return shared ? mask__team_sum(run, NULL, scores, texts * all, err) : MASK_OK;
}

mask_status mask_matcher_scores(mask_matcher *m, const mask_images *images, const mask_texts *texts, float *scores,
                                unsigned char *text_kinds, mask_match_report *report, const mask_run *run,
                                mask_error *err)
{
    mask__text_batch b = {0};
    mask__regions regions;
    int whole = MASK_WHOLE_MEAN;
    MASK__USE_THREADS(threads_for(m, mask_images_count(images), mask_texts_count(texts), run));
    MASK__TRY(mask__matcher_regions(m, images, &regions, &whole, err));
    mask_status status = mask__matcher_texts(m, texts, whole, &b, run, err);
    if (status == MASK_OK) status = score_all(&b, &regions, whole, scores, run, err);
    if (status == MASK_OK) {
        mask__text_batch_sink(&b, scores, regions.count);
        if (report) fill_report(&b, regions.count, whole, report);
        if (text_kinds) fill_kinds(&b, text_kinds);
    }
    mask__text_batch_close(&b);
    return status;
}

/* ---- Readings ---- */

static mask_status read_batch(mask_reading *out, mask__text_batch *b, const char *text, mask__arena *arena,
                              mask_error *err)
{
    const mask__resolution **items;
    mask__neighbours neighbours;
    MASK__TRY(mask__lexicon_read(&b->lexicon, text, &items, &out->count, err));
    mask_word *words = mask__arena_alloc(arena, out->count, sizeof *words);
    if (!words) return mask__no_memory(err, "a reading");
    out->words = words;
    out->language = mask__language(&b->lexicon.tokens);
    mask_status status = mask__lexicon_neighbours(&b->lexicon, &b->options, &neighbours, err);
    for (size_t i = 0; status == MASK_OK && i < out->count; i++) {
        uint32_t term = items[i]->term;
        const mask__ranked *first =
            items[i]->kind == MASK_WORD_OOD ? neighbours.items + b->lexicon.terms[term].vector * neighbours.m : NULL;
        status =
            mask__lexicon_word(&words[i], &b->lexicon, items[i], term == MASK__NO_TERM ? 0 : b->values.weights[term],
                               first, neighbours.m, arena, err);
    }
    mask__neighbours_free(&neighbours);
    return status;
}

mask_status mask_matcher_read(const mask_matcher *m, const char *text, mask_reading *out, mask_error *err)
{
    mask__text_batch b;
    mask__arena arena = {0};
    *out = (mask_reading){0};
    mask_status status = mask__text_batch_open(&b, m->knowledge, m->vectors, &m->options, &text, 1, err);
    if (status == MASK_OK) status = mask__term_values_make(&b.values, &b.lexicon, &b.options, &b.arena, err);
    if (status == MASK_OK) status = read_batch(out, &b, text, &arena, err);
    mask__text_batch_close(&b);
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

/* ---- Explanations ---- */

/* The word x region table and word scores of one of `count` images, from c_w(i) of all. */
static mask_status copy_table(mask_explanation *out, mask__text_batch *b, const mask__regions *regions, size_t image,
                              const float *c, size_t count, mask__arena *arena, mask_error *err)
{
    const mask_reading *reading = &out->reading;
    size_t z = b->knowledge->info.dim, used = 0, words = b->lexicon.text_at[1];
    out->words = words;
    out->regions = mask__regions_in(regions, image);
    float *prototypes = mask__arena_alloc(&b->arena, words * z, sizeof *prototypes);
    float *cosines = mask__arena_alloc(arena, words * out->regions, sizeof *cosines);
    float *scores = mask__arena_alloc(arena, words, sizeof *scores);
    size_t *index = mask__arena_alloc(arena, words, sizeof *index);
    if (!prototypes || !cosines || !scores || !index) return mask__no_memory(err, "an explanation");
    for (size_t i = 0; i < reading->count; i++)
        if (reading->words[i].kind == MASK_WORD_KNOWN || reading->words[i].kind == MASK_WORD_OOD) index[used++] = i;
    for (size_t w = 0; w < words; w++) {
        uint32_t term = b->lexicon.text_terms[w];
        memcpy(prototypes + w * z, b->values.prototypes + term * z, z * sizeof *prototypes);
        scores[w] = c[term * count + image];
    }
    out->word_index = index;
    out->word_scores = scores;
    out->cosines = cosines;
    return words ? mask__columns_table(regions, image, prototypes, words, cosines, err) : MASK_OK;
}

/* Only the image itself is read, unless statistics are of the whole set. */
static mask_status explain(mask_explanation *out, mask__text_batch *b, const mask__regions *all, size_t image,
                           int whole_region, const char *text, mask__arena *arena, const mask_run *run, mask_error *err)
{
    mask__regions regions = b->transductive ? *all : mask__regions_part(all, image, 1);
    size_t at = b->transductive ? image : 0;
    mask__block_trace trace;
    float *scores = mask__arena_alloc(&b->arena, regions.count, sizeof *scores);
    if (!scores) return mask__no_memory(err, "an explanation");
    MASK__TRY(mask__text_batch_score(b, &regions, whole_region, scores, regions.count, &trace, run, err));
    out->score = mask__text_usable(b, 0) ? scores[at] : 0;
    out->transductive = b->transductive;
    out->text_mean = b->statistics[0].mean;
    out->text_deviation = b->statistics[0].deviation * trace.deviation[at];
    out->hub_image = (double)b->statistics[0].share * (double)trace.hub[at];
    out->hub_text = b->statistics[0].hub;
    MASK__TRY(read_batch(&out->reading, b, text, arena, err));
    return copy_table(out, b, &regions, at, trace.c, regions.count, arena, err);
}

mask_status mask_matcher_explain(mask_matcher *m, const mask_images *images, size_t image, const char *text,
                                 mask_explanation *out, const mask_run *run, mask_error *err)
{
    mask__text_batch b = {0};
    mask__arena arena = {0};
    mask__regions regions;
    int whole = MASK_WHOLE_MEAN;
    *out = (mask_explanation){0};
    if (image >= mask_images_count(images))
        return mask__fail(err, MASK_ENOTFOUND, "image %zu does not exist: there are %zu", image,
                          mask_images_count(images));
    MASK__USE_THREADS(threads_for(m, 1, 1, run));
    MASK__TRY(mask__matcher_regions(m, images, &regions, &whole, err));
    mask_status status = prepare(m, &text, 1, whole, &b, run, err);
    if (status == MASK_OK) status = explain(out, &b, &regions, image, whole, text, &arena, run, err);
    mask__text_batch_close(&b);
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
