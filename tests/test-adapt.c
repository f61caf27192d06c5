/* Adaptation: what W is applied to, that it is kept only where it helps, that nothing else changes, refusals. The loss
 * and its gradient are test-cycle.c's. */
#include "made.h"
#include "matching.h"
#include "knowledge/knowledge.h"

enum { M = 8, N = 5, WORDS = 10, ROWS = WORDS * 6, IMAGES = 20, REGIONS = 4, TEXTS = 60, BACKGROUND = 6 };

typedef struct world {
    mask_vectors *vectors;
    mask_labels *labels;
    mask_images *images, *background;
    mask_texts *texts;
    mask_knowledge *plain, *calibrated;
} world;

static void make_world(world *w, mask_representation encoder)
{
    mask_error err;
    uint64_t random = 9;
    static float vectors[(WORDS + 3) * N], features[ROWS * M], images[IMAGES * REGIONS * M], looks[WORDS * M];
    static char labels[ROWS][64], lines[TEXTS][32];
    const char *list[TEXTS];
    mask_learn_options o = mask_learn_defaults();
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) vectors[i] = made_number(&random);
    for (size_t i = 0; i < WORDS * M; i++) looks[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * M; i++)
        features[i] = fmaxf(0, looks[i / M % WORDS * M + i % M] + 0.3f * made_number(&random));
    for (size_t r = 0; r < ROWS; r++) snprintf(labels[r], sizeof labels[r], "%s", made_word(r % WORDS));
    for (size_t r = 0; r < IMAGES * REGIONS; r++) { /* another domain: channels swapped in pairs, partly */
        const float *look = looks + (size_t)((made_number(&random) + 1) / 2 * WORDS) * M;
        for (size_t d = 0; d < M; d++)
            images[r * M + d] = fmaxf(0, 0.6f * look[d] + 0.4f * look[d ^ 1] + 0.3f * made_number(&random));
    }
    for (size_t t = 0; t < TEXTS; t++) {
        snprintf(lines[t], sizeof lines[t], "%s %s", t % 9 ? made_word(t % (WORDS + 3)) : "",
                 t % 9 ? made_word(t * 7 % WORDS) : "");
        list[t] = lines[t];
    }
    w->vectors = made_vectors(vectors, WORDS + 3, N);
    w->labels = made_labels(features, ROWS, M, labels, 3);
    w->images = made_images("images.npy", images, IMAGES, REGIONS, M);
    w->background = made_images("background.npy", images, BACKGROUND, REGIONS, M);
    check_ok(mask_texts_create(&w->texts, list, TEXTS, &err));
    o.representation = encoder;
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.whiten_dim = 6;
    mask_train_options train = mask_train_defaults();
    train.dim = 6;
    train.epochs = 1;
    o.train = &train;
    check_ok(mask_knowledge_learn(&w->plain, w->labels, w->vectors, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&w->calibrated, w->plain, w->vectors, w->background, w->texts, NULL, NULL, &err));
}

static void free_world(world *w)
{
    mask_knowledge_close(w->plain);
    mask_knowledge_close(w->calibrated);
    mask_images_close(w->images);
    mask_images_close(w->background);
    mask_texts_close(w->texts);
    mask_labels_close(w->labels);
    mask_vectors_close(w->vectors);
}

static const mask_adapt_options quick = {.size = sizeof(mask_adapt_options),
                                         .epochs = 4,
                                         .batch_texts = 10,
                                         .batch_images = 6,
                                         .rate = 0.01f,
                                         .temperature = 0.1f,
                                         .held_out = 0.2f};

/* rows x w must be what stands in `got`. */
static void check_product(const float *rows, size_t count, const float *w, size_t z, const float *got)
{
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < z; d++) {
            double sum = 0;
            for (size_t e = 0; e < z; e++) sum += (double)rows[i * z + e] * w[e * z + d];
            if (!(fabs(sum - got[i * z + d]) < 1e-4 * (1 + fabs(sum))))
                fail_msg("row %zu, %zu: %g, not %g", i, d, got[i * z + d], sum);
        }
}

static void check_applied(const world *w, const mask_knowledge *before, const mask_knowledge *after, const float *step)
{
    mask_error err;
    size_t z = before->info.dim;
    const mask__background *b = &before->background;
    static float mu[REGIONS * M], adapted[REGIONS * M];
    check_product(before->prototypes, before->info.words, step, z, after->prototypes);
    check_ok(mask_knowledge_encode(before, w->images, 3, mu, &err));
    check_ok(mask_knowledge_encode(after, w->images, 3, adapted, &err));
    check_product(mu, REGIONS, step, z, adapted);
    if (b->images) check_product(b->mu, b->image_rows[b->images], step, z, after->background.mu);
    if (before->scene_projection) check_product(step, z, after->scene_projection, z, before->scene_projection);
    assert_true(after->info.adapted);
    assert_int_equal(after->info.background_images, before->info.background_images);
}

static void scores(const world *w, const mask_knowledge *k, float *out)
{
    mask_error err;
    check_ok(match_scores(k, w->vectors, w->images, w->texts, NULL, out, NULL, NULL, &err));
}

static void w_is_applied_everywhere(void **state)
{
    (void)state;
    static float first[TEXTS * IMAGES], second[TEXTS * IMAGES];
    for (mask_representation encoder = MASK_REPRESENTATION_NONE; encoder <= MASK_REPRESENTATION_MASK; encoder++) {
        mask_error err;
        world w;
        mask_adapt_report report;
        mask_knowledge *once, *twice, *kept;
        make_world(&w, encoder);
        for (int calibrated = 0; calibrated < 2; calibrated++) {
            const mask_knowledge *k = calibrated ? w.calibrated : w.plain;
            check_ok(mask_knowledge_adapt(&once, k, w.vectors, w.images, w.texts, &quick, &report, NULL, &err));
            assert_true(report.kept > 0 && report.after < report.before && report.change > 0);
            check_applied(&w, k, once, once->representation.adaptation);
            const char *path = temp_path("adapted.mask");
            check_ok(mask_knowledge_save(once, path, &err));
            check_ok(mask_knowledge_open(&kept, path, NULL, &err));
            scores(&w, once, first);
            scores(&w, kept, second);
            assert_memory_equal(first, second, sizeof first);
            check_ok(mask_knowledge_adapt(&twice, kept, w.vectors, w.images, w.texts, &quick, &report, NULL, &err));
            check_applied(&w, k, twice, twice->representation.adaptation); /* the product of both steps */
            mask_knowledge_close(once);
            mask_knowledge_close(twice);
            mask_knowledge_close(kept);
        }
        free_world(&w);
    }
}

static void no_gain_changes_nothing(void **state)
{
    (void)state;
    mask_error err;
    world w;
    mask_adapt_report report;
    mask_knowledge *k;
    mask_adapt_options wild = quick;
    static float before[TEXTS * IMAGES], after[TEXTS * IMAGES];
    wild.rate = 100;
    make_world(&w, MASK_REPRESENTATION_WHITEN);
    check_ok(mask_knowledge_adapt(&k, w.calibrated, w.vectors, w.images, w.texts, &wild, &report, NULL, &err));
    assert_true(report.kept == 0 && report.after == report.before && report.change == 0 && report.epochs == 2);
    assert_null(k->representation.adaptation);
    scores(&w, w.calibrated, before);
    scores(&w, k, after);
    assert_memory_equal(before, after, sizeof before);
    mask_knowledge_close(k);
    free_world(&w);
}

static void one_seed_gives_the_same_bits(void **state)
{
    (void)state;
    mask_error err;
    world w;
    mask_knowledge *k[3];
    make_world(&w, MASK_REPRESENTATION_WHITEN);
    for (int i = 0; i < 3; i++) {
        mask_run run = {.threads = 2, .seed = i < 2 ? 7 : 8};
        check_ok(mask_knowledge_adapt(&k[i], w.plain, w.vectors, w.images, w.texts, &quick, NULL, &run, &err));
    }
    size_t bytes = k[0]->info.dim * k[0]->info.dim * sizeof(float);
    assert_memory_equal(k[0]->representation.adaptation, k[1]->representation.adaptation, bytes);
    assert_memory_not_equal(k[0]->representation.adaptation, k[2]->representation.adaptation, bytes);
    for (int i = 0; i < 3; i++) mask_knowledge_close(k[i]);
    free_world(&w);
}

static int stop_at_once(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)user, (void)what, (void)unit, (void)done, (void)total;
    return 1;
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    mask_error err;
    world w;
    mask_knowledge *k;
    mask_texts *none;
    mask_run stop = {.progress = stop_at_once};
    const char *nothing[] = {"and the", "of"};
    static float values[3 * REGIONS * (M + 1)];
    make_world(&w, MASK_REPRESENTATION_WHITEN);
    mask_images *wide = made_images("wide.npy", values, 3, REGIONS, M + 1),
                *one = made_images("one.npy", values, 1, REGIONS, M);
    for (size_t i = 0; i < 3; i++) values[i * REGIONS * M + 5] = NAN;
    mask_images *bad = made_images("nan.npy", values, 3, REGIONS, M);
    check_ok(mask_texts_create(&none, nothing, 2, &err));
    check_fails(mask_knowledge_adapt(&k, w.plain, w.vectors, wide, w.texts, &quick, NULL, NULL, &err), MASK_EMISMATCH,
                "extract both alike");
    assert_null(k);
    check_fails(mask_knowledge_adapt(&k, w.plain, w.vectors, one, w.texts, &quick, NULL, NULL, &err), MASK_EINVAL,
                "at least 2 images");
    check_fails(mask_knowledge_adapt(&k, w.plain, w.vectors, w.images, none, &quick, NULL, NULL, &err), MASK_EMISMATCH,
                "2 texts have a word");
    check_fails(mask_knowledge_adapt(&k, w.plain, w.vectors, bad, w.texts, &quick, NULL, NULL, &err), MASK_ENUMERIC,
                "nan.npy");
    check_fails(mask_knowledge_adapt(&k, w.plain, w.vectors, w.images, w.texts, &quick, NULL, &stop, &err),
                MASK_ECANCELLED, "");
    mask_adapt_options o = quick;
    o.temperature = 0;
    check_fails(mask_knowledge_adapt(&k, w.plain, w.vectors, w.images, w.texts, &o, NULL, NULL, &err), MASK_EINVAL,
                "temperature");
    check_ok(
        mask_knowledge_adapt(&k, w.plain, NULL, w.images, w.texts, &quick, NULL, NULL, &err)); /* known words only */
    mask_knowledge_close(k);
    mask_texts_close(none);
    mask_images_close(wide);
    mask_images_close(one);
    mask_images_close(bad);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w_is_applied_everywhere),
        cmocka_unit_test(no_gain_changes_nothing),
        cmocka_unit_test(one_seed_gives_the_same_bits),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
