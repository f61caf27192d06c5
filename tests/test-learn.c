/* Eq. 2's prototypes against a twin in double, gathered by several threads at once. */
#include "made.h"

enum { ROWS = 6000, M = 320, WORDS = 3, N = 4 };

static void prototypes_are_means_whatever_the_threads(void **state)
{
    (void)state;
    mask_error err;
    uint64_t random = 1;
    float vectors[WORDS * N];
    float *features = malloc((size_t)ROWS * M * sizeof *features);
    char(*labels)[64] = malloc(ROWS * sizeof *labels);
    static double sums[WORDS][M];
    size_t counts[WORDS] = {0};
    for (size_t i = 0; i < WORDS * N; i++) vectors[i] = made_number(&random);
    for (size_t r = 0; r < ROWS; r++) {
        size_t word = r % 7 ? 0 : r % WORDS; /* long runs of one word: the threads meet */
        strcpy(labels[r], made_word(word));
        counts[word]++;
        for (size_t d = 0; d < M; d++) sums[word][d] += features[r * M + d] = made_number(&random) + (float)word;
    }
    mask_vectors *v = made_vectors(vectors, WORDS, N);
    mask_labels *l = made_labels(features, ROWS, M, labels, 4);
    mask_learn_options o = mask_learn_section9();
    o.representation = MASK_REPRESENTATION_NONE;
    o.tokens = MASK_TOKENS_LETTERS;
    o.prototype_shrink = 0;
    for (int round = 0; round < 10; round++) {
        mask_knowledge *k;
        mask_run run = {.threads = 1 + round % 4};
        check_ok(mask_knowledge_learn(&k, l, v, &o, &run, &err));
        for (size_t i = 0; i < WORDS; i++) {
            size_t count, word = SIZE_MAX;
            for (size_t w = 0; w < WORDS; w++)
                if (strcmp(mask_knowledge_word(k, i, &count), made_word(w)) == 0) word = w;
            assert_int_equal(count, counts[word]);
            for (size_t d = 0; d < M; d++) {
                double want = sums[word][d] / (double)count, got = mask_knowledge_prototype(k, i)[d];
                if (!(fabs(got - want) <= 1e-6 * fmax(1, fabs(want))))
                    fail_msg("%d threads, word %zu, dimension %zu: %.9g, not %.9g", run.threads, word, d, got, want);
            }
        }
        mask_knowledge_close(k);
    }
    mask_labels_close(l);
    mask_vectors_close(v);
    free(features);
    free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(prototypes_are_means_whatever_the_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
