/* The calibration against the matcher: the same scores from pieces, image by image and text by text. */
#include "world.h"
#include "knowledge/knowledge.h"
#include "match/calibration.h"
#include "math/vector.h"

enum { IMAGES = 9, REGIONS = 6 };

static world w;
static mask_images *images;

/* An image as the calibration sees it. */
typedef struct seen {
    float *mu, *mean, *whole, *scene; /* whole: the unit vector */
} seen;

static seen see(const mask__calibration *s, size_t image)
{
    mask_error err;
    size_t z = s->z, regions = mask_images_regions(images, image);
    seen i = {malloc(regions * z * sizeof(float)), calloc(z, sizeof(float)), calloc(z, sizeof(float)),
              calloc(z, sizeof(float))};
    check_ok(mask_knowledge_encode(w.knowledge, images, image, i.mu, &err));
    for (size_t r = 0; r < regions; r++) {
        mask__normalise(i.mu + r * z, z);
        mask__axpy(1 / (float)regions, i.mu + r * z, i.mean, z);
    }
    bool region = s->options.whole_region >= 0;
    const float *whole = region ? i.mu + (size_t)s->options.whole_region * z : i.mean;
    if (s->options.scene > 0) check_ok(mask__calibration_scenes(s, i.mean, region ? whole : NULL, 1, i.scene, &err));
    memcpy(i.whole, whole, z * sizeof *whole);
    mask__normalise(i.whole, z);
    return i;
}

static void unsee(seen *i)
{
    free(i->mu);
    free(i->mean);
    free(i->whole);
    free(i->scene);
}

static void check_floats(const float *a, const float *b, size_t count)
{
    assert_int_equal(a != NULL, b != NULL);
    if (a && count) assert_memory_equal(a, b, count * sizeof *a);
}

static void check_same(const mask__calibration *a, const mask__calibration *b)
{
    size_t terms = a->known.count + a->others.count, n = a->background, z = a->z;
    assert_int_equal(a->known.count, b->known.count);
    assert_int_equal(a->others.count, b->others.count);
    assert_int_equal(n, b->background);
    assert_int_equal(z, b->z);
    assert_memory_equal(&a->options, &b->options, sizeof a->options);
    check_floats(a->known.prototypes, b->known.prototypes, terms * z);
    check_floats(a->known.scenes, b->known.scenes, terms * z);
    check_floats((const float *)a->known.pooled, (const float *)b->known.pooled, terms * 2);
    check_floats((const float *)a->known.whole, (const float *)b->known.whole, terms * 2);
    check_floats((const float *)a->known.scene, (const float *)b->known.scene, terms * 2);
    check_floats(a->known.over_b, b->known.over_b, terms * n);
    check_floats(a->scene_centre, b->scene_centre, z);
    check_floats(a->b_whole, b->b_whole, n * z);
    check_floats(a->b_scenes, b->b_scenes, n * z);
    assert_int_equal(a->texts.count, b->texts.count);
    assert_true(a->mean_scale == b->mean_scale && a->reference_deviation == b->reference_deviation);
    for (size_t t = 0; t < a->texts.count; t++) {
        assert_int_equal(a->texts.at[t + 1], b->texts.at[t + 1]);
        assert_true(a->text_mean[t] == b->text_mean[t] && a->text_deviation[t] == b->text_deviation[t]);
    }
    for (size_t p = 0; a->texts.count && p < a->texts.at[a->texts.count]; p++)
        assert_true(a->texts.terms[p] == b->texts.terms[p] && a->texts.shares[p] == b->texts.shares[p]);
}

static void save_and_load(mask_match_options o)
{
    mask_error err;
    mask__calibration a, b;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("calibration.pack"));
    check_ok(mask__calibration_open(&a, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    check_ok(mask__calibration_save(&a, path, &err));
    check_ok(mask__calibration_load(&b, w.knowledge, path, MASK__VERIFY_DATA, &err));
    check_same(&a, &b);
    mask__calibration_close(&b);
    mask__calibration_close(&a);
}

static void test_saved_is_loaded(void **state)
{
    (void)state;
    mask_match_options o = mask_match_defaults(w.knowledge);
    save_and_load(o);
    for (int level = MASK_CALIBRATE_NONE; level < MASK_CALIBRATE_FULL; level++) {
        o.calibrate = (mask_calibrate)level;
        save_and_load(o);
    }
    save_and_load(mask_match_section9());
    save_and_load(mask_match_plain());
}

static void test_another_knowledge_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask_knowledge *other;
    mask_match_options o = mask_match_defaults(w.knowledge);
    char path[256], copy[256];
    snprintf(path, sizeof path, "%s", temp_path("calibration.pack"));
    snprintf(copy, sizeof copy, "%s", temp_path("other.mask"));
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    check_ok(mask__calibration_save(&s, path, &err));
    mask__calibration_close(&s);
    mask_images *background = world_images(&w, "b2.npy", WORLD_BACKGROUND, 5);
    mask_texts *lines = world_texts(&w, WORLD_T);
    check_ok(mask_knowledge_calibrate(&other, w.knowledge, w.vectors, background, lines, NULL, NULL, &err));
    check_ok(mask__calibration_open(&s, other, &o, MASK_WHOLE_MEAN, NULL, &err));
    check_fails(mask__calibration_save(&s, temp_path("x.pack"), &err), MASK_EINVAL, "not from a file");
    mask__calibration_close(&s);
    check_fails(mask__calibration_load(&s, other, path, MASK__VERIFY_TABLE, &err), MASK_EMISMATCH, "another knowledge");
    check_ok(mask_knowledge_save(other, copy, &err));
    mask_knowledge_close(other);
    check_ok(mask_knowledge_open(&other, copy, NULL, &err));
    check_fails(mask__calibration_load(&s, other, path, MASK__VERIFY_TABLE, &err), MASK_EMISMATCH, "another knowledge");
    mask_knowledge_close(other);
    mask_images_close(background);
    mask_texts_close(lines);
}

/* Every byte of a saved calibration, turned over, is refused by a load that reads all of it, except in padding. */
static void test_damage_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask_match_options o = mask_match_defaults(w.knowledge);
    char path[256];
    size_t size, refused = 0, tried = 0;
    snprintf(path, sizeof path, "%s", temp_path("calibration.pack"));
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    check_ok(mask__calibration_save(&s, path, &err));
    mask__calibration_close(&s);
    unsigned char *bytes = read_whole(path, &size);
    for (size_t at = 0; at < size; at += 97, tried++) {
        bytes[at] ^= 0x41;
        write_file(path, bytes, size);
        bytes[at] ^= 0x41;
        if (mask__calibration_load(&s, w.knowledge, path, MASK__VERIFY_DATA, &err) == MASK_OK)
            mask__calibration_close(&s);
        else refused++;
    }
    assert_true(refused > tried * 9 / 10);
    for (size_t length = 0; length < size; length += 1009) {
        write_file(path, bytes, length);
        check_fails(mask__calibration_load(&s, w.knowledge, path, MASK__VERIFY_TABLE, &err), MASK_EFORMAT, "byte");
    }
    free(bytes);
}

static void test_exact_does_not_depend_on_company(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask_match_options o = mask_match_defaults(w.knowledge);
    enum { LENGTH = 5 };
    const uint32_t some[LENGTH] = {WORLD_WORDS - 1, 3, 40, 3, 0};
    float all[WORLD_WORDS], part[LENGTH], alone, pooled[WORLD_WORDS], a;
    uint32_t best[WORLD_WORDS], one;
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    seen i = see(&s, 1);
    /* elsewhere in memory, with neighbours */
    float *moved = malloc((REGIONS + 3) * s.z * sizeof *moved + 4), *mu = moved + s.z + 1;
    memcpy(mu, i.mu, REGIONS * s.z * sizeof *mu);
    mask__calibration_exact(&s, &s.known, NULL, WORLD_WORDS, i.mu, REGIONS, i.whole, i.scene, all, pooled, best);
    mask__calibration_exact(&s, &s.known, some, LENGTH, mu, REGIONS, i.whole, i.scene, part, NULL, NULL);
    for (size_t j = 0; j < LENGTH; j++) assert_memory_equal(&part[j], &all[some[j]], sizeof(float));
    for (uint32_t k = 0; k < WORLD_WORDS; k++) {
        float largest = -INFINITY;
        uint32_t where = 0;
        mask__calibration_exact(&s, &s.known, &k, 1, mu, REGIONS, i.whole, i.scene, &alone, &a, &one);
        assert_memory_equal(&alone, &all[k], sizeof alone);
        assert_memory_equal(&a, &pooled[k], sizeof a);
        assert_int_equal(one, best[k]);
        for (uint32_t r = 0; r < REGIONS; r++) {
            float x = mask__dot(s.known.prototypes + k * s.z, i.mu + r * s.z, s.z);
            if (x > largest) {
                largest = x;
                where = r;
            }
        }
        assert_int_equal(best[k], where);
    }
    /* equal regions: the lower one */
    memcpy(mu + s.z, mu, s.z * sizeof *mu);
    uint32_t k = 0;
    mask__calibration_exact(&s, &s.known, &k, 1, mu, 2, i.whole, i.scene, &alone, &a, &one);
    assert_int_equal(one, 0);
    /* no region at all */
    mask__calibration_exact(&s, &s.known, &k, 1, mu, 0, i.whole, i.scene, &alone, &a, &one);
    assert_true(a == 0 && isfinite(alone));
    free(moved);
    unsee(&i);
    mask__calibration_close(&s);
}

static void test_options_are_checked(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask_knowledge *plain;
    const mask_match_options base = mask_match_defaults(w.knowledge);
    mask_match_options o = base;
    o.pool = (mask_pool)3;
    check_fails(mask__calibration_open(&s, w.knowledge, &o, 0, NULL, &err), MASK_EINVAL,
                "must be one of max-mean, region-max, mean");
    o = base;
    o.top = 65;
    check_fails(mask__calibration_open(&s, w.knowledge, &o, 0, NULL, &err), MASK_EINVAL, "top");
    o = base;
    o.context = -1;
    check_fails(mask__calibration_open(&s, w.knowledge, &o, 0, NULL, &err), MASK_EINVAL, "context");
    check_fails(mask__calibration_open(&s, w.knowledge, &base, MASK_WHOLE_AUTO, NULL, &err), MASK_EINVAL,
                "whole image");
    check_fails(mask__calibration_open(&s, w.knowledge, &base, 40, NULL, &err), MASK_EMISMATCH, "regions");
    mask_labels *labels;
    mask_learn_options learn = mask_learn_defaults();
    learn.representation = MASK_REPRESENTATION_NONE;
    learn.min_count = 1;
    check_ok(mask_labels_open(&labels, temp_path("regions"), NULL, &err));
    check_ok(mask_knowledge_learn(&plain, labels, w.vectors, &learn, NULL, &err));
    check_fails(mask__calibration_open(&s, plain, &base, MASK_WHOLE_MEAN, NULL, &err), MASK_EINVAL, "background");
    mask_knowledge_close(plain);
    mask_labels_close(labels);
}

static int set_up(void **state)
{
    (void)state;
    world_make(&w);
    images = world_images(&w, "images.npy", IMAGES, REGIONS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mask_images_close(images);
    world_free(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saved_is_loaded),     cmocka_unit_test(test_another_knowledge_is_refused),
        cmocka_unit_test(test_damage_is_refused),   cmocka_unit_test(test_exact_does_not_depend_on_company),
        cmocka_unit_test(test_options_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
