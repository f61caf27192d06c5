/* A matcher: explanations, many threads, what it refuses. Its scores are test-oracle.c's. */
#include "made.h"
#include "matching.h"
#include "knowledge/knowledge.h"

#include <pthread.h>

enum { M = 10, N = 7, WORDS = 12, VECTORS = 18, IMAGES = 9, BACKGROUND = 8, REGIONS = 5, TEXTS = 7, T = 6, LENGTH = 4 };

typedef struct world {
    mask_vectors *vectors;
    mask_labels *labels;
    mask_knowledge *plain, *calibrated;
    mask_images *images, *background;
    mask_texts *texts, *background_texts;
    float features[IMAGES * REGIONS * M], background_features[BACKGROUND * REGIONS * M];
    float word_vectors[VECTORS * N];
} world;

static mask_texts *make_texts(size_t count, uint64_t *random)
{
    mask_error err;
    mask_texts *out;
    char lines[16][64];
    const char *list[16];
    for (size_t t = 0; t < count; t++) {
        size_t length = t == 0 ? 0 : 1 + t % LENGTH; /* text 0 holds no word at all */
        lines[t][0] = '\0';
        for (size_t i = 0; i < length; i++)
            snprintf(lines[t] + strlen(lines[t]), 8, "%s ",
                     made_word((size_t)((made_number(random) + 1) / 2 * VECTORS)));
        list[t] = lines[t];
    }
    check_ok(mask_texts_create(&out, list, count, &err));
    return out;
}

static void make_world(world *w, mask_representation encoder, uint64_t seed)
{
    mask_error err;
    uint64_t random = seed;
    enum { ROWS = WORDS * 5 };
    static float features[ROWS * M];
    static char labels[ROWS][64];
    mask_learn_options o = mask_learn_defaults();
    for (size_t i = 0; i < VECTORS * N; i++) w->word_vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * M; i++) features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t r = 0; r < ROWS; r++)
        snprintf(labels[r], sizeof labels[r], "%s %s", made_word(r % WORDS), made_word(r * 7 % WORDS));
    for (size_t i = 0; i < IMAGES * REGIONS * M; i++) w->features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t i = 0; i < BACKGROUND * REGIONS * M; i++)
        w->background_features[i] = fmaxf(0, made_number(&random) + 0.3f);
    w->vectors = made_vectors(w->word_vectors, VECTORS, N);
    w->labels = made_labels(features, ROWS, M, labels, 4);
    w->images = made_images("images.npy", w->features, IMAGES, REGIONS, M);
    w->background = made_images("background.npy", w->background_features, BACKGROUND, REGIONS, M);
    w->texts = make_texts(TEXTS, &random);
    w->background_texts = make_texts(T, &random);
    o.representation = encoder;
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.whiten_dim = 6;
    check_ok(mask_knowledge_learn(&w->plain, w->labels, w->vectors, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&w->calibrated, w->plain, w->vectors, w->background, w->background_texts, NULL,
                                      NULL, &err));
}

static void free_world(world *w)
{
    mask_knowledge_close(w->plain);
    mask_knowledge_close(w->calibrated);
    mask_images_close(w->images);
    mask_images_close(w->background);
    mask_texts_close(w->texts);
    mask_texts_close(w->background_texts);
    mask_labels_close(w->labels);
    mask_vectors_close(w->vectors);
}

static void a_saved_knowledge_scores_the_same(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float before[TEXTS * IMAGES], after[TEXTS * IMAGES];
    mask_knowledge *again;
    char path[256];
    make_world(&w, MASK_REPRESENTATION_WHITEN, 9);
    snprintf(path, sizeof path, "%s", temp_path("saved.mask"));
    check_ok(mask_knowledge_save(w.calibrated, path, &err));
    check_ok(mask_knowledge_open(&again, path, NULL, &err));
    check_ok(match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, before, NULL, NULL, &err));
    check_ok(match_scores(again, w.vectors, w.images, w.texts, NULL, after, NULL, NULL, &err));
    assert_memory_equal(before, after, sizeof before);
    mask_knowledge_close(again);

    size_t size;
    unsigned char *data = read_whole(path, &size);
    snprintf(path, sizeof path, "%s", temp_path("cut.mask"));
    for (size_t cut = 0; cut < size; cut += cut < 256 ? 1 : 97) {
        write_file(path, data, cut);
        check_fails(mask_knowledge_open(&again, path, NULL, &err), MASK_EFORMAT, "cut.mask");
        assert_null(again);
    }
    free(data);
    free_world(&w);
}

static void an_explanation_agrees_with_the_score(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float scores[TEXTS * IMAGES];
    make_world(&w, MASK_REPRESENTATION_WHITEN, 11);
    check_ok(match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, scores, NULL, NULL, &err));
    for (size_t t = 1; t < TEXTS; t++) {
        mask_explanation e;
        double sum = 0, weights = 0;
        check_ok(match_explain(&e, w.calibrated, w.vectors, w.images, 3, mask_texts_get(w.texts, t), NULL, &err));
        assert_true(fabs(e.score - scores[t * IMAGES + 3]) < 1e-5 * fmax(1, fabs(e.score)));
        for (size_t i = 0; i < e.words; i++) {
            sum += e.reading.words[e.word_index[i]].weight * e.word_scores[i];
            weights += e.reading.words[e.word_index[i]].weight;
        }
        double again = (sum / weights - e.text_mean) / e.text_deviation - e.hub_image - e.hub_text;
        assert_true(fabs(again - e.score) < 1e-3 * fmax(1, fabs(e.score)));
        mask_explanation_free(&e);
    }
    free_world(&w);
}

static void threads_do_not_change_scores(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float one[TEXTS * IMAGES], two[TEXTS * IMAGES];
    mask_run run = {.threads = 1};
    make_world(&w, MASK_REPRESENTATION_WHITEN, 12);
    check_ok(match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, one, NULL, &run, &err));
    run.threads = 2;
    check_ok(match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, two, NULL, &run, &err));
    assert_memory_equal(one, two, sizeof one);
    free_world(&w);
}

enum { CREW = 8, ROUNDS = 20 };

/* What one thread asks of a matcher that all share, and whether every answer was the one that a matcher of its own
 * gives. */
typedef struct asker {
    mask_matcher *shared;
    const world *w;
    const float *scores; /* TEXTS x IMAGES */
    size_t number;
    bool same;
    pthread_t thread;
} asker;

static bool asks_once(const asker *a, size_t round)
{
    mask_error err;
    mask_explanation e;
    mask_reading reading;
    float scores[TEXTS * IMAGES];
    const mask_run run = {.threads = 1};
    size_t image = (a->number + round) % IMAGES, text = 1 + (a->number * 3 + round) % (TEXTS - 1);
    const char *line = mask_texts_get(a->w->texts, text);
    if (mask_matcher_explain(a->shared, a->w->images, image, line, &e, &run, &err) != MASK_OK) return false;
    double alone = (double)a->scores[text * IMAGES + image]; /* of all images at once: other orders of sums */
    bool same = fabs(e.score - alone) < 1e-5 * fmax(1, fabs(alone));
    size_t words = e.reading.count;
    mask_explanation_free(&e);
    if (mask_matcher_read(a->shared, line, &reading, &err) != MASK_OK) return false;
    same = same && reading.count == words;
    mask_reading_free(&reading);
    if (round % 4 != a->number % 4) return same;
    return same &&
           mask_matcher_scores(a->shared, a->w->images, a->w->texts, scores, NULL, NULL, &run, &err) == MASK_OK &&
           memcmp(scores, a->scores, sizeof scores) == 0;
}

static void *ask(void *context)
{
    asker *a = context;
    a->same = true;
    for (size_t round = 0; a->same && round < ROUNDS; round++) a->same = asks_once(a, round);
    return NULL;
}

static void many_threads_share_a_matcher(void **state)
{
    (void)state;
    mask_error err;
    world w;
    float scores[TEXTS * IMAGES];
    asker crew[CREW];
    mask_matcher *alone, *shared;
    const mask_run run = {.threads = 1};
    make_world(&w, MASK_REPRESENTATION_WHITEN, 77);
    for (int calibrated = 0; calibrated < 2; calibrated++) {
        const mask_knowledge *k = calibrated ? w.calibrated : w.plain;
        mask_match_options o = mask_match_defaults(k);
        if (!calibrated) o.calibrate = MASK_CALIBRATE_NONE;
        check_ok(mask_matcher_open(&alone, k, w.vectors, &o, NULL, &err));
        check_ok(mask_matcher_scores(alone, w.images, w.texts, scores, NULL, NULL, &run, &err));
        mask_matcher_close(alone);
        check_ok(mask_matcher_open(&shared, k, w.vectors, &o, NULL, &err)); /* its statistics: the first thread's */
        for (size_t i = 0; i < CREW; i++) {
            crew[i] = (asker){.shared = shared, .w = &w, .scores = scores, .number = i};
            assert_int_equal(pthread_create(&crew[i].thread, NULL, ask, &crew[i]), 0);
        }
        for (size_t i = 0; i < CREW; i++) pthread_join(crew[i].thread, NULL);
        for (size_t i = 0; i < CREW; i++) assert_true(crew[i].same);
        mask_matcher_close(shared);
    }
    free_world(&w);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float scores[TEXTS * IMAGES], nan_features[2 * REGIONS * M];
    mask_match_options o = mask_match_plain();
    make_world(&w, MASK_REPRESENTATION_NONE, 13);
    check_fails(match_scores(w.plain, NULL, w.images, w.texts, NULL, scores, NULL, NULL, &err), MASK_EINVAL,
                "need the word vectors");
    o.top = 0;
    check_fails(match_scores(w.plain, w.vectors, w.images, w.texts, &o, scores, NULL, NULL, &err), MASK_EINVAL, "top");
    o = mask_match_plain();
    o.context = 1;
    o.whole_region = REGIONS;
    check_fails(match_scores(w.plain, w.vectors, w.images, w.texts, &o, scores, NULL, NULL, &err), MASK_EMISMATCH,
                "use the mean of the regions");
    mask_images *narrow = made_images("narrow.npy", w.features, 2, REGIONS, M - 1);
    check_fails(match_scores(w.plain, w.vectors, narrow, w.texts, NULL, scores, NULL, NULL, &err), MASK_EMISMATCH,
                "narrow.npy");
    mask_images_close(narrow);
    memcpy(nan_features, w.features, sizeof nan_features);
    nan_features[(REGIONS + 2) * M + 3] = NAN;
    mask_images *bad = made_images("nan.npy", nan_features, 2, REGIONS, M);
    check_fails(match_scores(w.plain, w.vectors, bad, w.texts, NULL, scores, NULL, NULL, &err), MASK_ENUMERIC,
                "nan.npy");
    mask_images_close(bad);
    mask_vectors *others = made_vectors(w.word_vectors, VECTORS - 1, N);
    check_fails(match_scores(w.plain, others, w.images, w.texts, NULL, scores, NULL, NULL, &err), MASK_EMISMATCH,
                "learned with");
    mask_vectors_close(others);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_knowledge_scores_the_same), cmocka_unit_test(an_explanation_agrees_with_the_score),
        cmocka_unit_test(threads_do_not_change_scores),      cmocka_unit_test(many_threads_share_a_matcher),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
