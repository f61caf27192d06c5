/* Matching, searching and annotating against the naive oracle (oracle.h), on many small worlds made at random. */
#include "oracle.h"
#include "matching.h"

#include <unistd.h>

enum { M = 12, N = 8, WORDS = 24, VECTORS = 36, NOTHING = 40, LINE = 96 };

typedef struct world {
    uint64_t random;
    mask_vectors *vectors;
    mask_knowledge *plain, *calibrated;
    mask_images *images;
    mask_texts *texts;
} world;

static size_t below(uint64_t *random, size_t n)
{
    size_t x = (size_t)((double)(made_number(random) + 1) / 2 * (double)n);
    return x < n ? x : n - 1;
}

/* Words of different lengths. */
static const char *word(size_t i)
{
    static char names[NOTHING][8];
    snprintf(names[i], sizeof names[i], "%.3s%s", made_word(i), i % 3 ? i % 3 == 1 ? "q" : "qrst" : "");
    return names[i];
}

/* Texts of 0 to 5 words, some of which nothing knows. */
static mask_texts *make_texts(uint64_t *random, size_t count)
{
    mask_error err;
    mask_texts *out;
    char(*lines)[LINE] = calloc(count, sizeof *lines);
    const char **list = calloc(count, sizeof *list);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = below(random, 6); i > 0; i--)
            snprintf(lines[t] + strlen(lines[t]), 9, "%s ", word(below(random, NOTHING)));
        list[t] = lines[t];
    }
    lines[count - 1][0] = '\0';
    snprintf(lines[0], LINE, "%s %s", word(0), word(VECTORS - 1)); /* one known word, one OOD */
    check_ok(mask_texts_create(&out, list, count, &err));
    free(lines);
    free(list);
    return out;
}

/* With boxes region 0 holds all others, in every image. */
static mask_images *make_images(uint64_t *random, const char *name, size_t count, size_t regions, bool boxes)
{
    mask_error err;
    mask_images *out;
    char path[256], beside[256];
    float *features = malloc(count * regions * M * sizeof *features), *box = malloc(count * regions * 4 * sizeof *box);
    snprintf(path, sizeof path, "%s", temp_path(name));
    snprintf(beside, sizeof beside, "%.*s_boxes.npy", (int)(strlen(path) - strlen("_ims.npy")), path);
    for (size_t i = 0; i < count * regions * M; i++) features[i] = fmaxf(0, made_number(random) + 0.3f);
    for (size_t r = 0; r < count * regions; r++)
        memcpy(box + r * 4, r % regions ? (float[4]){10, 10, 50, 60} : (float[4]){0, 0, 100, 90}, 4 * sizeof *box);
    made_npy(path, 3, (size_t[]){count, regions, M}, features);
    unlink(beside);
    if (boxes) made_npy(beside, 3, (size_t[]){count, regions, 4}, box);
    check_ok(mask_images_open(&out, path, NULL, NULL, &err));
    free(features);
    free(box);
    return out;
}

static void make_world(world *w, uint64_t seed, bool boxes)
{
    enum { ROWS = WORDS * 5 };
    static float features[ROWS * M], vectors[VECTORS * N];
    static char labels[ROWS][64];
    mask_error err;
    mask_knowledge *made;
    mask_learn_options o = mask_learn_defaults();
    char path[256];
    w->random = seed;
    for (size_t i = 0; i < VECTORS * N; i++) vectors[i] = made_number(&w->random);
    for (size_t i = 0; i < ROWS * M; i++) features[i] = fmaxf(0, made_number(&w->random) + 0.3f);
    for (size_t r = 0; r < ROWS; r++)
        snprintf(labels[r], sizeof labels[r], "%s %s", word(r % WORDS), word(r * 7 % WORDS));
    const char *words[VECTORS];
    for (size_t i = 0; i < VECTORS; i++) words[i] = word(i);
    w->vectors = made_word_vectors(words, vectors, VECTORS, N);
    mask_labels *regions = made_labels(features, ROWS, M, labels, 4);
    mask_images *background = make_images(&w->random, "b_ims.npy", 7 + below(&w->random, 6), 3, false);
    mask_texts *texts = make_texts(&w->random, 8 + below(&w->random, 20));
    o.representation = seed % 2 ? MASK_REPRESENTATION_WHITEN : MASK_REPRESENTATION_NONE;
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.whiten_dim = 9;
    check_ok(mask_knowledge_learn(&w->plain, regions, w->vectors, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&made, w->plain, w->vectors, background, texts, NULL, NULL, &err));
    snprintf(path, sizeof path, "%s", temp_path("world.mask"));
    check_ok(mask_knowledge_save(made, path, &err));
    check_ok(mask_knowledge_open(&w->calibrated, path, NULL, &err));
    mask_knowledge_close(made);
    mask_images_close(background);
    mask_texts_close(texts);
    mask_labels_close(regions);
    w->images = make_images(&w->random, "w_ims.npy", 3 + below(&w->random, 12), 3 + below(&w->random, 4), boxes);
    w->texts = make_texts(&w->random, 4 + below(&w->random, 9));
}

static void free_world(world *w)
{
    mask_vectors_close(w->vectors);
    mask_knowledge_close(w->plain);
    mask_knowledge_close(w->calibrated);
    mask_images_close(w->images);
    mask_texts_close(w->texts);
}

/* Options at random; whole_region stays `whole`. */
static mask_match_options make_options(uint64_t *random, int whole)
{
    static const float powers[] = {0, 0.15f, 0.5f, 1};
    mask_match_options o = mask_match_tuned();
    o.pool = below(random, 4) ? MASK_POOL_MAX_MEAN : MASK_POOL_MEAN;
    o.top = 1 + (int)below(random, 4);
    o.context = powers[below(random, 4)];
    o.whole_region = whole;
    o.ood = (mask_ood)below(random, 3);
    o.ood_neighbours = 1 + (int)below(random, 30);
    o.ood_temperature = 0.05f + 0.1f * (float)below(random, 3);
    o.ood_weight = below(random, 2) ? -1 : powers[below(random, 4)];
    o.ood_company = powers[below(random, 3)];
    o.scene = powers[below(random, 4)];
    o.calibrate = (mask_calibrate)below(random, 5);
    if (below(random, 2)) o.calibrate = MASK_CALIBRATE_FULL;
    o.text_power = powers[below(random, 3)];
    o.image_power = powers[below(random, 3)];
    o.hub_image = powers[below(random, 4)];
    o.hub_neighbours = (int)below(random, 4);
    o.hub_words = (float)below(random, 4);
    return o;
}

static void same(double got, double want, const mask_match_options *o, const char *what, size_t text, size_t image)
{
    if (!(fabs(got - want) < 2e-4 * fmax(1, fabs(want))))
        fail_msg("%s: text %zu, image %zu: %.7g, the oracle says %.7g (pool %d, calibrate %d, ood %d, whole %d)", what,
                 text, image, got, want, (int)o->pool, (int)o->calibrate, (int)o->ood, o->whole_region);
}

/* ---- mask_matcher_scores ---- */

static void compare_scores(const world *w, const mask_knowledge *k, const mask_match_options *o, int whole)
{
    mask_error err;
    size_t images = mask_images_count(w->images), texts = mask_texts_count(w->texts);
    float *scores = calloc(images * texts, sizeof *scores);
    mask_match_report report;
    oracle_set set = oracle_encode(k, w->images);
    oracle *x = oracle_open(k, w->vectors, o, whole, &set, w->texts);
    check_ok(match_scores(k, w->vectors, w->images, w->texts, o, scores, &report, NULL, &err));
    assert_int_equal(report.whole_region, whole);
    assert_int_equal(report.transductive, k == w->plain && o->calibrate != MASK_CALIBRATE_NONE);
    double lowest = 1e300;
    for (size_t t = 0; t < texts; t++)
        for (size_t i = 0; i < images && oracle_usable(x, t); i++) lowest = fmin(lowest, oracle_score(x, t, i));
    for (size_t t = 0; t < texts; t++)
        for (size_t i = 0; i < images; i++)
            same((double)scores[t * images + i], oracle_usable(x, t) ? oracle_score(x, t, i) : lowest, o, "scores", t,
                 i);
    oracle_close(x);
    oracle_set_free(&set);
    free(scores);
}

static void test_scores(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        world w;
        bool boxes = seed % 3 == 0;
        make_world(&w, seed, boxes);
        for (size_t i = 0; i < 6; i++) {
            static const int wholes[] = {MASK_WHOLE_AUTO, MASK_WHOLE_MEAN, 2};
            int whole = wholes[i % 3];
            mask_match_options o = make_options(&w.random, whole);
            if (i == 5) o.pool = MASK_POOL_REGION_MAX;
            if (whole == MASK_WHOLE_AUTO) whole = boxes ? 0 : MASK_WHOLE_MEAN;
            compare_scores(&w, w.calibrated, &o, whole);
            compare_scores(&w, w.plain, &o, whole);
        }
        free_world(&w);
    }
}

/* ---- A gallery: searching and annotating ---- */

static void compare_search(const mask_gallery *g, const world *w, const oracle *x, const mask_match_options *o)
{
    mask_error err;
    for (size_t t = 0; t < mask_texts_count(w->texts); t++) {
        mask_query_text text = {mask_texts_get(w->texts, t), 1};
        mask_query q = mask_query_defaults();
        mask_results r;
        q.texts = &text;
        q.count = 1;
        q.k = mask_images_count(w->images);
        if (!oracle_usable(x, t)) {
            check_fails(mask_gallery_search(g, w->vectors, &q, &r, NULL, &err), MASK_ENOTFOUND, "no word");
            continue;
        }
        check_ok(mask_gallery_search(g, w->vectors, &q, &r, NULL, &err));
        assert_int_equal(r.count, q.k);
        for (size_t i = 0; i < r.count; i++) {
            size_t image = (size_t)mask_images_find(w->images, r.hits[i].id);
            same(r.hits[i].score, oracle_score(x, t, image), o, "search", t, image);
        }
        mask_results_free(&r);
    }
}

/* The best 3 of a gallery of bfloat16 products are the first 3 of all, which are scored without bounds. */
static void compare_rounded(const world *w, const mask_match_options *o, const char *folder)
{
    mask_error err;
    mask_gallery *g;
    mask_gallery_options rounded = mask_gallery_defaults();
    rounded.products = MASK_PRODUCTS_BF16;
    rounded.store = MASK_STORE_INT8;
    check_ok(mask_gallery_create(folder, w->calibrated, o, &rounded, &err));
    mask_status status = mask_gallery_add(folder, w->images, NULL, NULL, &err);
    if (status == MASK_EINVAL && strstr(err.message, "AVX512_BF16")) return; /* this processor cannot */
    check_ok(status);
    check_ok(mask_gallery_open(&g, folder, NULL, &err));
    for (size_t t = 0; t < mask_texts_count(w->texts); t++) {
        mask_query_text text = {mask_texts_get(w->texts, t), 1};
        mask_query q = mask_query_defaults();
        mask_results all, best;
        q.texts = &text;
        q.count = 1;
        q.k = mask_images_count(w->images);
        status = mask_gallery_search(g, w->vectors, &q, &all, NULL, &err);
        if (status == MASK_ENOTFOUND) continue;
        check_ok(status);
        q.k = 3;
        check_ok(mask_gallery_search(g, w->vectors, &q, &best, NULL, &err));
        for (size_t i = 0; i < 3; i++) {
            assert_string_equal(best.hits[i].id, all.hits[i].id);
            assert_true(best.hits[i].score == all.hits[i].score);
        }
        mask_results_free(&all);
        mask_results_free(&best);
    }
    mask_gallery_close(g);
}

static void compare_annotate(const mask_gallery *g, const world *w, const oracle *x, const mask_match_options *o)
{
    mask_error err;
    mask_annotator *a;
    size_t texts = mask_texts_count(w->texts), count, usable = 0;
    mask_annotation *best = calloc(texts, sizeof *best);
    for (size_t t = 0; t < texts; t++) usable += oracle_usable(x, t);
    check_ok(mask_annotator_open(&a, g, w->vectors, w->texts, NULL, &err));
    for (size_t i = 0; i < mask_images_count(w->images); i++) {
        check_ok(mask_annotator_image(a, mask_images_id(w->images, i), texts, best, &count, &err));
        assert_int_equal(count, usable);
        for (size_t n = 0; n < count; n++)
            same(best[n].score, oracle_score(x, best[n].text, i), o, "annotate", best[n].text, i);
    }
    mask_annotator_close(a);
    free(best);
}

static void test_galleries(void **state)
{
    (void)state;
    for (uint64_t seed = 101; seed <= 112; seed++) {
        world w;
        mask_error err;
        mask_gallery *g;
        char folder[256], command[300];
        bool boxes = seed % 3 == 0;
        make_world(&w, seed, boxes);
        mask_match_options o = make_options(&w.random, seed % 2 ? MASK_WHOLE_AUTO : 1);
        int whole = o.whole_region == MASK_WHOLE_AUTO ? boxes ? 0 : MASK_WHOLE_MEAN : 1;
        snprintf(folder, sizeof folder, "%s", temp_path("world.gallery"));
        mask_gallery_options exact = mask_gallery_defaults();
        exact.store = MASK_STORE_FLOAT;
        check_ok(mask_gallery_create(folder, w.calibrated, &o, &exact, &err));
        check_ok(mask_gallery_add(folder, w.images, NULL, NULL, &err));
        check_ok(mask_gallery_open(&g, folder, NULL, &err));
        oracle_set set = oracle_encode(w.calibrated, w.images);
        oracle *x = oracle_open(w.calibrated, w.vectors, &o, whole, &set, w.texts);
        compare_search(g, &w, x, &o);
        compare_annotate(g, &w, x, &o);
        oracle_close(x);
        oracle_set_free(&set);
        mask_gallery_close(g);
        snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
        compare_rounded(&w, &o, folder);
        assert_int_equal(system(command), 0);
        free_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scores), cmocka_unit_test(test_galleries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
