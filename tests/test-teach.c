/* A taught word: what the photos have in common becomes its prototype, the rest of the knowledge stays as it was, and
 * files and matchers take it like any other word. */
#include "made-gallery.h"

enum { PHOTOS = 3, ROWS = PHOTOS * REGIONS };

/* Photos of noise whose region 3 shows one thing. */
static mask_images *photos_of(uint64_t seed, size_t count)
{
    static float features[ROWS * M];
    uint64_t random = seed, thing = 999;
    float common[M];
    for (size_t d = 0; d < M; d++) common[d] = fmaxf(0, 3 * made_number(&thing));
    for (size_t r = 0; r < count * REGIONS; r++)
        for (size_t d = 0; d < M; d++)
            features[r * M + d] = fmaxf(0, made_number(&random) + 0.3f) * (r % REGIONS == 3 ? 0.1f : 1) +
                                  (r % REGIONS == 3 ? common[d] : 0);
    return made_images("photos.npy", features, count, REGIONS, M);
}

static double cosine(const float *a, const float *b, size_t n)
{
    return mask__dot(a, b, n) / (double)(mask__norm(a, n) * mask__norm(b, n));
}

static void new_word_is_what_photos_have_in_common(void **state)
{
    (void)state;
    world w;
    mask_error err;
    mask_knowledge *taught, *again;
    mask_knowledge_info before, after;
    bool sharpened = true;
    float mu[REGIONS * 16];
    make_world(&w, 3);
    mask_images *images = photos_of(7, PHOTOS), *others = photos_of(77, PHOTOS);
    check_ok(mask_knowledge_teach(&taught, w.knowledge, w.vectors, "Zebra", images, &sharpened, &err));
    mask_knowledge_describe(w.knowledge, &before);
    mask_knowledge_describe(taught, &after);
    size_t z = after.dim, count;
    assert_false(sharpened);
    assert_int_equal(after.words, before.words + 1);
    assert_string_equal(mask_knowledge_word(taught, before.words, &count), "zebra");
    assert_int_equal(count, PHOTOS);
    for (size_t k = 0; k < before.words; k++)
        assert_memory_equal(mask_knowledge_prototype(taught, k), mask_knowledge_prototype(w.knowledge, k),
                            z * sizeof(float));
    const float *v = mask_knowledge_prototype(taught, before.words);
    check_ok(mask_knowledge_encode(taught, others, 0, mu, &err));
    for (size_t r = 1; r < REGIONS; r++) /* region 3 of a photo that it has not seen is the thing */
        assert_true(r == 3 || cosine(v, mu + 3 * z, z) > cosine(v, mu + r * z, z));
    check_ok(mask_knowledge_save(taught, temp_path("taught.mask"), &err));
    check_ok(mask_knowledge_open(&again, temp_path("taught.mask"), NULL, &err));
    mask_matcher *matcher;
    mask_reading reading;
    check_ok(mask_matcher_open(&matcher, again, w.vectors, NULL, NULL, &err));
    check_ok(mask_matcher_read(matcher, "zebra", &reading, &err));
    assert_int_equal(reading.words[0].kind, MASK_WORD_KNOWN);
    mask_reading_free(&reading);
    mask_matcher_close(matcher);
    mask_knowledge_close(again);
    mask_knowledge_close(taught);
    mask_images_close(images);
    mask_images_close(others);
    free_world(&w);
}

static void known_word_moves_towards_the_photos(void **state)
{
    (void)state;
    world w;
    mask_error err;
    mask_knowledge *taught, *fresh;
    bool sharpened = false;
    make_world(&w, 3);
    for (size_t count = 1; count <= PHOTOS; count++) {
        mask_images *images = photos_of(7, count);
        const char *word = mask_knowledge_word(w.plain, 2, NULL);
        check_ok(mask_knowledge_teach(&taught, w.plain, NULL, word, images, &sharpened, &err)); /* no background */
        check_ok(mask_knowledge_teach(&fresh, w.plain, NULL, "zebra", images, NULL, &err));
        size_t z = w.plain->info.dim;
        const float *thing = mask_knowledge_prototype(fresh, w.plain->info.words);
        assert_true(sharpened);
        assert_int_equal(taught->info.words, w.plain->info.words);
        assert_true(cosine(mask_knowledge_prototype(taught, 2), thing, z) >
                    cosine(mask_knowledge_prototype(w.plain, 2), thing, z));
        mask_knowledge_close(taught);
        mask_knowledge_close(fresh);
        mask_images_close(images);
    }
    free_world(&w);
}

static void names_that_no_search_finds_are_refused(void **state)
{
    (void)state;
    world w;
    mask_error err;
    mask_knowledge *taught;
    make_world(&w, 3);
    mask_images *images = photos_of(7, 1);
    check_fails(mask_knowledge_teach(&taught, w.knowledge, NULL, "my cat", images, NULL, &err), MASK_EINVAL,
                "is 2 words: teach a name of one");
    check_fails(mask_knowledge_teach(&taught, w.knowledge, NULL, " ", images, NULL, &err), MASK_EINVAL, "is 0 words");
    check_fails(mask_knowledge_teach(&taught, w.knowledge, NULL, "the", images, NULL, &err), MASK_EINVAL,
                "teach another name");
    assert_null(taught);
    mask_images_close(images);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(new_word_is_what_photos_have_in_common),
                                       cmocka_unit_test(known_word_moves_towards_the_photos),
                                       cmocka_unit_test(names_that_no_search_finds_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
