/* Choosing an encoder on held-out labelled images: what is measured is told, the best by the margin is kept and learned
 * from all images, and nothing depends on anything but the labels, the features and the seed. */
#include "made.h"

enum { IMAGES = 400, REGIONS = 3, M = 24, N = 8, WORDS = 10 };

/* Each region shows one word's direction on top of a common one that all share, so raw cosines hardly differ. */
static mask_labels *make_labels(const float *directions, size_t images, uint64_t *random)
{
    static float features[IMAGES * REGIONS * M];
    static char labels[IMAGES * REGIONS][64];
    for (size_t r = 0; r < images * REGIONS; r++) {
        size_t word = (size_t)((made_number(random) + 1) / 2 * WORDS);
        snprintf(labels[r], sizeof labels[r], "%s", made_word(word));
        for (size_t d = 0; d < M; d++)
            features[r * M + d] = fmaxf(0, 4 + directions[word * M + d] + 0.7f * made_number(random));
    }
    return made_labels(features, images * REGIONS, M, labels, REGIONS);
}

typedef struct world {
    float directions[WORDS * M], word_vectors[WORDS * N];
    mask_vectors *vectors;
    mask_labels *labels;
    mask_learn_options options;
    mask_train_options train;
} world;

static void make_world(world *w, size_t images)
{
    uint64_t random = 5;
    for (size_t i = 0; i < WORDS * M; i++) w->directions[i] = made_number(&random);
    for (size_t i = 0; i < WORDS * N; i++) w->word_vectors[i] = made_number(&random);
    w->vectors = made_vectors(w->word_vectors, WORDS, N);
    w->labels = make_labels(w->directions, images, &random);
    w->options = mask_learn_defaults();
    w->options.whiten_dim = 16;
    w->train = mask_train_defaults();
    w->train.dim = 16;
    w->train.batch = 120;
    w->train.epochs = 2;
    w->options.train = &w->train;
}

static void free_world(world *w)
{
    mask_labels_close(w->labels);
    mask_vectors_close(w->vectors);
}

static void the_best_is_kept_and_told(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    mask_choice choices[64];
    size_t count, kept = 64, seen[3] = {0};
    mask_knowledge *k;
    mask_knowledge_info info;
    make_world(&w, IMAGES);
    check_ok(mask_knowledge_choose(&k, w.labels, w.vectors, &w.options, choices, 64, &count, NULL, &err));
    mask_knowledge_describe(k, &info);
    for (size_t i = 0; i < count; i++) {
        seen[choices[i].representation]++;
        assert_true(choices[i].rsum >= 0 && choices[i].rsum <= 600);
        if (choices[i].kept) kept = i;
    }
    assert_true(seen[MASK_REPRESENTATION_NONE] == 1 && seen[MASK_REPRESENTATION_WHITEN] >= 3 &&
                seen[MASK_REPRESENTATION_MASK] >= 1);
    assert_true(kept < count);
    for (size_t i = 0; i < count; i++) /* nobody beats the kept one by more than the margin for strangers */
        assert_true(choices[i].rsum <= choices[kept].rsum + 4);
    assert_int_equal(info.learned.representation, choices[kept].representation);
    assert_int_equal(info.images, IMAGES); /* learned from all of them, also those that were held out */
    mask_knowledge_close(k);
    free_world(&w);
}

static void the_same_again_is_the_same(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    mask_choice first[64], second[64];
    size_t count, again;
    mask_knowledge *k;
    mask_run run = {.threads = 2, .seed = 7};
    make_world(&w, IMAGES);
    check_ok(mask_knowledge_choose(&k, w.labels, w.vectors, &w.options, first, 64, &count, &run, &err));
    mask_knowledge_close(k);
    check_ok(mask_knowledge_choose(&k, w.labels, w.vectors, &w.options, second, 64, &again, &run, &err));
    mask_knowledge_close(k);
    assert_int_equal(count, again);
    for (size_t i = 0; i < count; i++) assert_true(first[i].rsum == second[i].rsum && first[i].kept == second[i].kept);
    free_world(&w);
}

static void too_few_images_mean_whitening(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    mask_choice choices[4];
    size_t count = 9;
    mask_knowledge *k;
    mask_knowledge_info info;
    make_world(&w, 40);
    check_ok(mask_knowledge_choose(&k, w.labels, w.vectors, &w.options, choices, 4, &count, NULL, &err));
    mask_knowledge_describe(k, &info);
    assert_int_equal(count, 0);
    assert_int_equal(info.learned.representation, MASK_REPRESENTATION_WHITEN);
    mask_knowledge_close(k);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_kept_and_told),
        cmocka_unit_test(the_same_again_is_the_same),
        cmocka_unit_test(too_few_images_mean_whitening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
