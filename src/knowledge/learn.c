/* Learning a knowledge (the paper's sections 1 and 3): which words the labels hold, the representation, Eq. 2
 * prototypes and their shrinking, scene prototypes and reliabilities. Streams the features; keeps in memory the words
 * of the labels, K x Z sums of each fold and one vector an image. */
#include "knowledge/knowledge.h"
#include "annotations/labels.h"
#include "base/options.h"
#include "knowledge/labelwords.h"
#include "knowledge/reliability.h"
#include "knowledge/scenes_learn.h"
#include "learn/trainer.h"
#include "nn/random.h"

#include <stdlib.h>
#include <string.h>

enum { SHRINK_NEIGHBOURS = 20 };
static const float shrink_temperature = 0.1f;

/* A word's rank: most regions first, then first seen. */
typedef struct ranked_word {
    uint64_t count;
    uint32_t label_word;
} ranked_word;

static int by_count(const void *a, const void *b)
{
    const ranked_word *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return x->label_word < y->label_word ? -1 : x->label_word > y->label_word;
}

/* Chooses the words of the knowledge: min_count regions and a vector. Replaces each pair's label word by the index in
 * the knowledge or MASK__NOT_FOUND. */
static mask_status choose_words(mask_knowledge *k, mask__label_words *w, size_t min_count, mask_error *err)
{
    size_t n = k->info.vector_dim, kept = 0;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    ranked_word *ranked = mask__arena_alloc(&work, w->words.count, sizeof *ranked);
    uint32_t *index = mask__arena_alloc(&work, w->words.count, sizeof *index), added;
    if (work.lost) return mask__no_memory(err, "the words of the labels");
    for (size_t i = 0; i < w->words.count; i++) {
        index[i] = MASK__NOT_FOUND;
        if (w->counts[i] >= min_count) ranked[kept++] = (ranked_word){w->counts[i], (uint32_t)i};
    }
    if (kept == 0)
        return mask__fail(err, MASK_EMISMATCH,
                          "no word of the labels has %zu regions and a vector: ask for fewer regions or check the "
                          "vectors",
                          min_count);
    qsort(ranked, kept, sizeof *ranked, by_count);
    uint64_t *counts = mask__arena_alloc(&k->arena, kept, sizeof *counts);
    float *vectors = mask__arena_alloc(&k->arena, kept * n, sizeof *vectors);
    if (!counts || !vectors) return mask__no_memory(err, "the words of the labels");
    for (size_t i = 0; i < kept; i++) {
        size_t length;
        const char *word = mask__strings_get(&w->words, ranked[i].label_word, &length);
        MASK__TRY(mask__strings_intern(&k->words, word, length, &added, NULL, err));
        index[ranked[i].label_word] = (uint32_t)i;
        counts[i] = ranked[i].count;
        memcpy(vectors + i * n, w->vectors + ranked[i].label_word * n, n * sizeof *vectors);
        k->info.pairs += ranked[i].count;
    }
    for (size_t p = 0; p < w->pair_count; p++) w->pairs[p] = index[w->pairs[p]];
    k->info.words = kept;
    k->counts = counts;
    k->word_vectors = vectors;
    return MASK_OK;
}

/* One region of each word at random. */
static size_t *draw_regions(const mask_knowledge *k, const mask__label_words *w, size_t regions, uint64_t seed,
                            mask__arena *work)
{
    size_t words = k->info.words, *only = mask__arena_alloc(work, words, sizeof *only);
    uint64_t *left = mask__arena_alloc(work, words, sizeof *left); /* regions of the word until the drawn one */
    if (!only || !left) return NULL;
    for (size_t i = 0; i < words; i++) left[i] = (uint64_t)(mask__uniform(seed, i) * (double)k->counts[i]);
    for (size_t r = 0; r < regions; r++)
        for (size_t p = w->pairs_at[r]; p < w->pairs_at[r + 1]; p++)
            if (w->pairs[p] != MASK__NOT_FOUND && left[w->pairs[p]]-- == 0) only[w->pairs[p]] = r;
    return only;
}

/* The words of each image, distinct and rising, from the pairs of its regions. */
static mask_status gather_incidence(mask_knowledge *k, const mask_labels *labels, const mask__label_words *w,
                                    mask_error *err)
{
    size_t images = mask_labels_images(labels), regions = mask_labels_regions(labels), used = 0;
    uint64_t *at = mask__arena_alloc(&k->arena, images + 1, sizeof *at);
    uint32_t *words = mask__arena_alloc(&k->arena, w->pair_count + 1, sizeof *words);
    if (!at || !words) return mask__no_memory(err, "the words of images");
    for (size_t r = 0; r < regions; r++) {
        size_t image = mask__labels_image(labels, r);
        for (size_t p = w->pairs_at[r]; p < w->pairs_at[r + 1]; p++) {
            size_t i = used;
            if (w->pairs[p] == MASK__NOT_FOUND) continue;
            while (i > at[image] && words[i - 1] > w->pairs[p]) i--;
            if (i > at[image] && words[i - 1] == w->pairs[p]) continue;
            memmove(words + i + 1, words + i, (used - i) * sizeof *words);
            words[i] = w->pairs[p];
            used++;
        }
        at[image + 1] = used;
    }
    k->incidence = (mask__incidence){.images = images, .words = k->info.words, .at = at, .word = words};
    return MASK_OK;
}

/* What a pass over the regions gathers. Sums are double and run over the regions in order, so the result does not
 * depend on the thread count; threads share the dimensions. */
typedef struct gathering {
    const mask_knowledge *knowledge;
    const mask_labels *labels;
    const mask__label_words *words;
    const size_t *only; /* of each word the one region that counts; NULL = all do */
    double *sums;       /* MASK__SLOTS x K x Z */
    uint64_t *counts;   /* MASK__SLOTS x K */
    mask__scene_gatherer scenes;
    bool with_scenes;
} gathering;

static void gather_block(void *context, size_t first, size_t rows, const float *mu)
{
    gathering *g = context;
    const mask__label_words *w = g->words;
    size_t z = g->knowledge->info.dim, words = g->knowledge->info.words;
    if (g->with_scenes) mask__scenes_visit(&g->scenes, first, rows, mu);
#pragma omp parallel for schedule(static)
    for (size_t z0 = 0; z0 < z; z0 += 64) {
        size_t z1 = z0 + 64 < z ? z0 + 64 : z;
        for (size_t row = 0; row < rows; row++) {
            size_t fold = mask__labels_image(g->labels, first + row) % MASK__FOLDS;
            for (size_t p = w->pairs_at[first + row]; p < w->pairs_at[first + row + 1]; p++) {
                if (w->pairs[p] == MASK__NOT_FOUND || (g->only && g->only[w->pairs[p]] != first + row)) continue;
                size_t at = fold * words + w->pairs[p];
                if (z0 == 0) g->counts[at]++; /* one thread counts; adding 0 in the others would lose counts */
                for (size_t d = z0; d < z1; d++) g->sums[at * z + d] += mu[row * z + d];
            }
        }
    }
}

/* Of a team's processes. An image's scene comes from one of them: its bits stay. */
static mask_status sum_gathered(gathering *g, const mask_run *run, mask_error *err)
{
    size_t words = g->knowledge->info.words, z = g->knowledge->info.dim, slots = MASK__SLOTS * words;
    if (mask__team_size(run) == 1) return MASK_OK;
    MASK__FREED double *counts = malloc(slots * sizeof *counts);
    if (!counts) return mask__no_memory(err, "prototypes");
    for (size_t i = 0; i < slots; i++) counts[i] = (double)g->counts[i];
    MASK__TRY(mask__team_sum(run, counts, NULL, slots, err));
    for (size_t i = 0; i < slots; i++) g->counts[i] = (uint64_t)counts[i];
    MASK__TRY(mask__team_sum(run, g->sums, NULL, slots * z, err));
    if (!g->with_scenes) return MASK_OK;
    MASK__TRY(mask__team_sum(run, NULL, g->scenes.scenes.vectors, g->scenes.scenes.images * z, err));
    return mask__team_sum(run, NULL, g->scenes.weights, g->scenes.scenes.images, err);
}

/* The rows of a classifier's head join the words of their class, in a slot beside the folds: no fold is judged by
 * images they came from. */
static mask_status gather_head(const mask_knowledge *k, const gathering *g, const mask_head *head, const float *rows,
                               mask_error *err)
{
    size_t z = k->info.dim, words = k->info.words, count = head->classes * MASK__HEAD_ROWS;
    double *sums = g->sums + MASK__FOLDS * words * z;
    uint64_t *counts = g->counts + MASK__FOLDS * words;
    const size_t *pairs_at = g->words->pairs_at + mask_labels_regions(g->labels);
    MASK__CLOSED(mask__encoding_close) mask__encoding encoding = {0};
    MASK__FREED size_t *offsets = malloc((count + 1) * sizeof *offsets);
    if (!offsets) return mask__no_memory(err, "prototypes");
    for (size_t i = 0; i <= count; i++) offsets[i] = i; /* each an image of its own */
    MASK__TRY(mask__encoding_open(&encoding, &k->representation, count, 1, err));
    const float *mu = mask__encoding_run(&encoding, rows, offsets, count);
    for (size_t row = 0; row < count; row++)
        for (size_t p = pairs_at[row / MASK__HEAD_ROWS]; p < pairs_at[row / MASK__HEAD_ROWS + 1]; p++) {
            uint32_t word = g->words->pairs[p];
            if (word == MASK__NOT_FOUND) continue;
            counts[word]++;
            for (size_t d = 0; d < z; d++) sums[word * z + d] += mu[row * z + d];
        }
    return MASK_OK;
}

/* Eq. 2: v_k = 1/J_k sum of mu over the regions that carry word k; then shrunk towards the neighbours. */
static mask_status make_prototypes(mask_knowledge *k, const gathering *g, const mask__neighbours *neighbours,
                                   float pseudo_counts, mask_error *err)
{
    size_t values = k->info.words * k->info.dim;
    float *prototypes = mask__arena_alloc(&k->arena, values, sizeof *prototypes);
    if (!prototypes) return mask__no_memory(err, "prototypes");
    for (size_t i = 0; i < values; i++) {
        double sum = 0;
        uint64_t count = 0;
        for (size_t f = 0; f < MASK__SLOTS; f++) {
            sum += g->sums[f * values + i];
            count += g->counts[f * k->info.words + i / k->info.dim];
        }
        prototypes[i] = (float)(sum / (double)count);
    }
    k->prototypes = prototypes;
    return mask__neighbours_shrink(neighbours, k->counts, pseudo_counts, prototypes, k->info.dim, err);
}

static mask_status make_scenes(mask_knowledge *k, gathering *g, const mask__neighbours *neighbours,
                               const mask_learn_options *o, const mask_run *run, mask_error *err)
{
    size_t z = k->info.dim, words = k->info.words;
    mask__scenes scenes;
    float *prototypes = mask__arena_alloc(&k->arena, words * z, sizeof *prototypes);
    float *mean = mask__arena_alloc(&k->arena, z, sizeof *mean);
    float *projection = mask__arena_alloc(&k->arena, z * z, sizeof *projection);
    float *reliability = mask__arena_alloc(&k->arena, words, sizeof *reliability);
    if (!prototypes || !mean || !projection || !reliability) return mask__no_memory(err, "scene prototypes");
    MASK__TRY(mask__scenes_finish(&g->scenes, &scenes, err));
    memcpy(mean, scenes.mean, z * sizeof *mean);
    memcpy(projection, scenes.projection, z * z * sizeof *projection);
    MASK__TRY(mask__progress(run, "scene prototypes", "images", 0, scenes.images, err));
    MASK__TRY(mask__scene_prototypes(&scenes, &k->incidence, NULL, neighbours, o->prototype_shrink, prototypes, err));
    k->scene_mean = mean;
    k->scene_projection = projection;
    k->scene_prototypes = prototypes;
    if (o->reliability <= 0 || g->only) return MASK_OK;
    mask__reliability_input input = {.labels = g->labels,
                                     .representation = &k->representation,
                                     .scenes = &scenes,
                                     .incidence = &k->incidence,
                                     .neighbours = neighbours,
                                     .pseudo_counts = o->prototype_shrink,
                                     .fold_sums = g->sums,
                                     .fold_counts = g->counts};
    k->reliability = reliability;
    return mask__reliability(&input, o->reliability, reliability, run, err);
}

static mask_status learn_prototypes(mask_knowledge *k, const mask_labels *labels, const mask__label_words *w,
                                    const float *head_rows, const mask_learn_options *o, const mask_run *run,
                                    mask_error *err)
{
    size_t words = k->info.words, z = k->info.dim;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    MASK__CLOSED(mask__neighbours_free) mask__neighbours neighbours = {0};
    mask__word_space space = {.count = words, .n = k->info.vector_dim, .vectors = k->word_vectors};
    mask__neighbour_options shrinking = {.m = SHRINK_NEIGHBOURS, .temperature = shrink_temperature, .skip_self = true};
    gathering g = {.knowledge = k, .labels = labels, .words = w, .with_scenes = o->scenes};
    g.sums = mask__arena_alloc(&work, MASK__SLOTS * words * z, sizeof *g.sums);
    g.counts = mask__arena_alloc(&work, MASK__SLOTS * words, sizeof *g.counts);
    if (o->prototype == MASK_PROTOTYPE_RANDOM)
        g.only = draw_regions(k, w, mask_labels_regions(labels), run ? run->seed : 0, &work);
    if (work.lost) return mask__no_memory(err, "prototypes");
    MASK__TRY(gather_incidence(k, labels, w, err));
    MASK__TRY(mask__neighbours_find(&neighbours, &space, &space, &shrinking, err));
    if (o->scenes) MASK__TRY(mask__scenes_begin(&g.scenes, labels, z, &work, err));
    MASK__TRY(mask__region_pass(labels, &k->representation, "prototypes", gather_block, &g, run, err));
    MASK__TRY(sum_gathered(&g, run, err));
    if (head_rows) MASK__TRY(gather_head(k, &g, o->head, head_rows, err));
    MASK__TRY(make_prototypes(k, &g, &neighbours, o->prototype_shrink, err));
    return o->scenes ? make_scenes(k, &g, &neighbours, o, run, err) : MASK_OK;
}

static mask_status remember(mask_knowledge *k, const mask_labels *labels, const mask_vectors *vectors,
                            const mask_learn_options *o, mask_error *err)
{
    const char *provenance = o->provenance ? o->provenance : "";
    char *absolute = realpath(mask_vectors_path(vectors), NULL); /* the knowledge may be used from another folder */
    const char *path = absolute ? absolute : mask_vectors_path(vectors);
    k->info.learned = *o;
    k->info.learned.train = NULL;
    k->info.learned.provenance = NULL;
    k->info.regions = mask_labels_regions(labels);
    k->info.images = mask_labels_images(labels);
    k->info.scenes = o->scenes;
    k->info.reliabilities = o->scenes && o->reliability > 0 && o->prototype == MASK_PROTOTYPE_MEAN;
    k->info.vector_dim = mask_vectors_dim(vectors);
    k->info.vectors_fingerprint = mask_vectors_fingerprint(vectors);
    k->info.vectors_path = mask__arena_text(&k->arena, path, strlen(path));
    k->info.provenance = mask__arena_text(&k->arena, provenance, strlen(provenance));
    free(absolute);
    return k->info.vectors_path && k->info.provenance ? MASK_OK : mask__no_memory(err, "a knowledge");
}

static mask_status fit_encoder(mask_knowledge *k, const mask_labels *labels, const mask__label_words *w,
                               const mask_learn_options *o, const mask__learn_hooks *hooks, const mask_run *run,
                               mask_error *err)
{
    size_t dim = mask_labels_dim(labels);
    mask__representation *e = &k->representation;
    *e = (mask__representation){.kind = o->representation, .in = dim, .out = dim};
    if (hooks->representation) {
        MASK__TRY(mask__representation_copy(e, hooks->representation, &k->arena, err));
    } else if (o->representation == MASK_REPRESENTATION_WHITEN) {
        MASK__TRY(
            mask__whiten_fit(&e->whitening, labels, o->power, o->whiten_dim, o->whiten_shrink, &k->arena, run, err));
        e->out = e->whitening.out;
    } else if (o->representation == MASK_REPRESENTATION_MASK) {
        mask__lesson lesson = {.labels = labels,
                               .pairs_at = w->pairs_at,
                               .pairs = w->pairs,
                               .unit_words = k->word_vectors,
                               .words = k->info.words,
                               .vector_dim = k->info.vector_dim,
                               .power = o->power,
                               .whiten_dim = o->whiten_dim,
                               .whiten_shrink = o->whiten_shrink,
                               .stop_after = hooks->stop_after,
                               .after_epoch = hooks->after_epoch,
                               .context = hooks->context};
        MASK__TRY(mask__train(e, &lesson, o->train, &k->arena, run, err));
    }
    k->info.learned.representation = e->kind;
    k->info.feature_dim = e->in;
    k->info.dim = e->out;
    return MASK_OK;
}

static mask_status learn(mask_knowledge *k, const mask_labels *labels, const mask_vectors *vectors,
                         const mask_learn_options *o, const mask__learn_hooks *hooks, const mask_run *run,
                         mask_error *err)
{
    MASK__CLOSED(mask__label_words_free) mask__label_words words = {0};
    MASK__FREED float *head_rows = NULL;
    const mask_head *head = o->head;
    MASK__TRY(remember(k, labels, vectors, o, err));
    if (head) {
        head_rows = malloc(head->classes * MASK__HEAD_ROWS * head->dim * sizeof *head_rows);
        if (!head_rows) return mask__no_memory(err, "a classifier's head");
        MASK__TRY(mask__head_rows(head, labels, head_rows, run, err));
    }
    MASK__TRY(mask__label_words_read(&words, labels, head, vectors, o->tokens, run, err));
    MASK__TRY(choose_words(k, &words, o->min_count, err));
    MASK__TRY(mask__knowledge_name_words(k, err));
    MASK__TRY(fit_encoder(k, labels, &words, o, hooks, run, err));
    k->options = mask_match_tuned();
    return learn_prototypes(k, labels, &words, head_rows, o, run, err);
}

mask_status mask__knowledge_learn(mask_knowledge **out, const mask_labels *labels, const mask_vectors *vectors,
                                  const mask_learn_options *o, const mask__learn_hooks *hooks, const mask_run *run,
                                  mask_error *err)
{
    MASK__USE_THREADS(mask__threads(run));
    mask_knowledge *k = mask__knowledge_new();
    mask_status status = k ? learn(k, labels, vectors, o, hooks, run, err) : mask__no_memory(err, "a knowledge");
    return mask__knowledge_give(out, k, status);
}

mask_status mask_knowledge_learn(mask_knowledge **out, const mask_labels *labels, const mask_vectors *vectors,
                                 const mask_learn_options *options, const mask_run *run, mask_error *err)
{
    mask_learn_options o = mask_learn_defaults();
    mask__learn_hooks hooks = {0};
    *out = NULL;
    MASK__TRY(mask__options_take(MASK_OPTIONS_LEARN, &o, options, err));
    if (mask__labels_bare(labels)) { /* no image is known to hold a word */
        o.scenes = false;
        o.reliability = 0;
    }
    return mask__knowledge_learn(out, labels, vectors, &o, &hooks, run, err);
}
