/* Files made by released versions (tests/fixtures/) open forever, and give what they gave then. A new version of a
 * format adds files and expectations here; it changes none. */
#include "made.h"
#include "matching.h"

#define FIXTURES MASK_SOURCE_DIR "/tests/fixtures/0.1/"

static void close_to(double value, double expected)
{
    if (!(fabs(value - expected) <= 2e-4)) fail_msg("%.7f is not %.7f", value, expected);
}

/* A copy in the test's folder of a file that might be written to; static storage of temp_path. */
static const char *copied(const char *name, const char *as)
{
    char from[512];
    size_t size;
    snprintf(from, sizeof from, "%s%s", FIXTURES, name);
    const char *to = temp_path(as);
    void *data = read_whole(from, &size);
    write_file(to, data, size);
    free(data);
    return to;
}

static mask_vectors *open_vectors(void)
{
    mask_error err;
    mask_vectors *vectors;
    check_ok(mask_vectors_open(&vectors, FIXTURES "v.mvec", NULL, &err));
    return vectors;
}

static void vectors_of_0_1(void **state)
{
    (void)state;
    mask_error err;
    mask_neighbour near[3];
    size_t found, length;
    float dog[12];
    mask_vectors *v = open_vectors();
    check_ok(mask_vectors_verify(v, &err));
    assert_int_equal(mask_vectors_count(v), 47);
    assert_int_equal(mask_vectors_dim(v), 12);
    assert_true(mask_vectors_find(v, "dog", 3) >= 0);
    mask_vectors_get(v, (size_t)mask_vectors_find(v, "dog", 3), dog);
    check_ok(mask_vectors_near(v, dog, 3, near, &found, NULL, &err));
    close_to(near[0].cosine, 1);
    close_to(near[1].cosine, 0.9027465);
    assert_memory_equal(mask_vectors_word(v, near[1].row, &length), "puppy", 5);
    close_to(near[2].cosine, 0.6331508);
    mask_vectors_close(v);
}

/* ---- Knowledges ---- */

static void calibrated_knowledge_of_0_1(void **state)
{
    (void)state;
    mask_error err;
    mask_knowledge *k;
    mask_knowledge_info i;
    mask_vectors *v = open_vectors();
    mask_reading reading;
    check_ok(mask_knowledge_open(&k, FIXTURES "g.gallery/knowledge.mask", NULL, &err));
    mask_knowledge_describe(k, &i);
    assert_int_equal(i.words, 41);
    assert_int_equal(i.feature_dim, 24);
    assert_int_equal(i.dim, 16);
    assert_int_equal(i.regions, 360);
    assert_int_equal(i.pairs, 614);
    assert_int_equal(i.learned.representation, MASK_REPRESENTATION_WHITEN);
    assert_int_equal(i.learned.tokens, MASK_TOKENS_CAPTION);
    assert_int_equal(i.learned.min_count, 2);
    close_to(i.learned.whiten_shrink, 1.5);
    close_to(i.learned.prototype_shrink, 9);
    close_to(i.learned.power, 0.75);
    assert_true(i.scenes && i.reliabilities && !i.adapted);
    assert_int_equal(i.background_images, 20);
    assert_int_equal(i.background_texts, 60);
    mask_match_options o = mask_match_defaults(k);
    assert_int_equal(o.pool, MASK_POOL_MAX_MEAN);
    assert_int_equal(o.top, 3);
    close_to(o.context, 0.3);
    assert_int_equal(o.whole_region, MASK_WHOLE_AUTO);
    assert_int_equal(o.ood, MASK_OOD_NEIGHBOURS);
    assert_int_equal(o.ood_neighbours, 20);
    close_to(o.ood_temperature, 0.2);
    close_to(o.ood_weight, 0.75);
    close_to(o.ood_company, 0.25);
    close_to(o.scene, 0.7);
    assert_int_equal(o.calibrate, MASK_CALIBRATE_FULL);
    close_to(o.text_power, 0.1);
    close_to(o.image_power, 0.4);
    close_to(o.hub_image, 0.9);
    close_to(o.hub_text, 0.4);
    assert_int_equal(o.hub_neighbours, 15);
    close_to(o.hub_image_sharpness, 1.25);
    close_to(o.hub_text_sharpness, 2.5);
    check_ok(match_read(&reading, k, v, "puppy", NULL, &err));
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.words[0].kind, MASK_WORD_OOD);
    assert_int_equal(reading.words[0].neighbour_count, 20);
    assert_string_equal(reading.words[0].neighbours[0].word, "dog");
    close_to(reading.words[0].neighbours[0].weight, 0.3781846);
    close_to(reading.words[0].neighbours[1].weight, 0.1241212);
    mask_reading_free(&reading);
    mask_knowledge_close(k);
    mask_vectors_close(v);
}

static void trained_knowledge_of_0_1(void **state)
{
    (void)state;
    mask_error err;
    mask_knowledge *k;
    mask_knowledge_info i;
    float features[2][24], mu[2][8];
    check_ok(mask_knowledge_open(&k, FIXTURES "trained.mask", NULL, &err));
    mask_knowledge_describe(k, &i);
    assert_int_equal(i.words, 39);
    assert_int_equal(i.learned.representation, MASK_REPRESENTATION_MASK);
    assert_int_equal(i.dim, 8);
    assert_false(i.scenes || i.reliabilities || i.background_images);
    for (size_t r = 0; r < 2; r++)
        for (size_t d = 0; d < 24; d++) features[r][d] = (float)((7 * d + 11 * r) % 13) / 4;
    mask_images *images = made_images("two_ims.npy", features[0], 1, 2, 24);
    check_ok(mask_knowledge_encode(k, images, 0, mu[0], &err));
    static const double expected[2][8] = {
        {1.685906, -1.028174, 0.7836232, -0.6467223, 0.3225855, -1.651523, 0.05288907, 0.4814124},
        {1.017535, 0.769484, 1.378542, -1.226803, 0.5510374, -0.6648656, -0.3866003, -1.437946}};
    for (size_t r = 0; r < 2; r++)
        for (size_t d = 0; d < 8; d++) close_to(mu[r][d], expected[r][d]);
    mask_images_close(images);
    mask_knowledge_close(k);
}

/* ---- A gallery ---- */

static void check_hits(const mask_results *r, size_t count, const char *const *ids, const double *scores)
{
    assert_int_equal(r->count, count);
    for (size_t h = 0; h < count; h++) {
        assert_string_equal(r->hits[h].id, ids[h]);
        close_to(r->hits[h].score, scores[h]);
    }
}

/* What the program of 0.1 found in it. */
static void check_gallery(const char *path)
{
    mask_error err;
    mask_gallery *g;
    mask_gallery_info i;
    mask_results r;
    mask_vectors *v = open_vectors();
    mask_query q = {.texts = &(mask_query_text){"a red dog on the grass", 1},
                    .count = 1,
                    .k = 3,
                    .min_score = -INFINITY,
                    .explain = true};
    check_ok(mask_gallery_open(&g, path, NULL, &err));
    mask_gallery_describe(g, &i);
    assert_int_equal(i.images, 9);
    assert_int_equal(i.budget, 4);
    assert_int_equal(i.options.top, 3);
    assert_int_equal(i.options.hub_neighbours, 15);
    close_to(i.options.hub_text_sharpness, 2.5);
    check_ok(mask_gallery_search(g, v, &q, &r, NULL, &err));
    check_hits(&r, 3, (const char *const[]){"7", "5", "4"}, (const double[]){-0.3677748, -0.8498427, -1.2646047});
    assert_int_equal(r.hits[0].word_count, 3);
    close_to(r.hits[0].words[2].score, 2.6347151);
    assert_int_equal(r.hits[0].words[2].region, 4);
    close_to(r.hits[0].words[2].box[0], 132);
    mask_results_free(&r);
    q.texts = &(mask_query_text){"a red puppy", 1};
    q.where = "year = 2003";
    check_ok(mask_gallery_search(g, v, &q, &r, NULL, &err));
    check_hits(&r, 2, (const char *const[]){"2", "1"}, (const double[]){-0.7701803, -2.6388802});
    mask_results_free(&r);
    q.where = NULL;
    q.k = 2;
    q.count = 0;
    q.images = &(mask_query_image){.id = "3", .weight = 1};
    q.image_count = 1;
    check_ok(mask_gallery_search(g, NULL, &q, &r, NULL, &err));
    check_hits(&r, 2, (const char *const[]){"2", "8"}, (const double[]){0.1022, 0.0304});
    mask_results_free(&r);
    mask_gallery_close(g);
    mask_vectors_close(v);
}

static void gallery_of_0_1(void **state)
{
    (void)state;
    static const char *const files[] = {"00000001.segment", "00000002.segment", "catalogue.sqlite",
                                        "knowledge.mask",   "scorer.mask",      "lock"};
    mask_error err;
    mask_knowledge *k;
    mask_gallery_change change;
    char folder[256];
    snprintf(folder, sizeof folder, "%s", temp_path("g.gallery"));
    mkdir(folder, 0777);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[64];
        snprintf(name, sizeof name, "g.gallery/%s", files[i]);
        copied(name, name);
    }
    check_ok(mask_gallery_verify(folder, NULL, &err));
    check_gallery(folder);

    mask_gallery_options kept = mask_gallery_defaults();
    kept.budget = 4;
    kept.segment_images = 6;

    /* It may go on: made again with the same options it is left as it is, and what is joined is found as before. */
    check_ok(mask_knowledge_open(&k, FIXTURES "g.gallery/knowledge.mask", NULL, &err));
    check_ok(mask_gallery_create(folder, k, NULL, &kept, &err));
    mask_match_options other = mask_match_defaults(k);
    other.top = 2;
    check_fails(mask_gallery_create(folder, k, &other, &kept, &err), MASK_EMISMATCH, "another top");
    mask_knowledge_close(k);
    check_ok(mask_gallery_remove(folder, (const char *const[]){"nobody"}, 1, &change, NULL, &err));
    check_ok(mask_gallery_compact(folder, NULL, &err));
    check_gallery(folder);
}

/* ---- Photos ---- */

static void encoder_of_0_1(void **state)
{
    (void)state;
    mask_error err;
    mask_encoder_info i;
    check_ok(mask_encoder_describe(FIXTURES "e.menc", &i, &err));
    assert_true(i.detector);
    assert_int_equal(i.size, 32);
    assert_int_equal(i.features, 20);
    assert_int_equal(i.map_size, 2);
    assert_int_equal(i.labels, 3);
    assert_string_equal(i.provenance, "network.data");
}

static void region_store_of_0_1(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_info i;
    mask_extract_report report;
    mask_images *images;
    float box[4], features[10 * 20];
    double sum = 0;
    char store[256];
    snprintf(store, sizeof store, "%s", copied("p.regions", "p.regions"));
    check_ok(mask_extract_describe(&i, store, &err));
    assert_int_equal(i.photos, 2);
    assert_int_equal(i.regions, 20);
    assert_int_equal(i.dim, 20);
    assert_string_equal(i.options, "regions 5, grid 2");
    check_ok(mask_images_open(&images, store, NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), 2);
    assert_string_equal(mask_images_id(images, 0), "sea.png");
    assert_int_equal(mask_images_regions(images, 1), 10);
    assert_true(mask_images_box(images, 1, 1, box));
    close_to(box[2], 30.5776424);
    check_ok(mask_images_features(images, 1, features, &err));
    for (size_t n = 0; n < 10 * 20; n++) sum += features[n];
    close_to(sum, 162.485718);
    mask_images_close(images);

    /* It may be continued: the same photos elsewhere take their regions from it. */
    mask_extract_options o = mask_extract_defaults();
    o.encoder = o.detector = FIXTURES "e.menc";
    o.regions = 5;
    o.grid = 2;
    check_ok(mask_extract((const char *const[]){FIXTURES "photos"}, 1, store, &o, &report, NULL, &err));
    assert_int_equal(report.good, 2);
    assert_int_equal(report.copied, 2);
    assert_int_equal(report.extracted, 0);
    o.grid = 3;
    check_fails(mask_extract((const char *const[]){FIXTURES "photos"}, 1, store, &o, NULL, NULL, &err), MASK_EMISMATCH,
                "grid 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_0_1),           cmocka_unit_test(calibrated_knowledge_of_0_1),
        cmocka_unit_test(trained_knowledge_of_0_1), cmocka_unit_test(gallery_of_0_1),
        cmocka_unit_test(encoder_of_0_1),           cmocka_unit_test(region_store_of_0_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
