/* Eq. 2's prototypes against a twin in double, gathered by several threads at once. */
#include "made.h"
#include "math/eigen.h"

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

/* Classes around centres, labelled only by the head that discriminant analysis makes of them: w_c = S^-1 (v_c - mu). */
static void a_head_teaches_its_classes(void **state)
{
    (void)state;
    enum { IMAGES = 1200, D = 12, CLASSES = 3, DIM = 4 };
    mask_error err;
    uint64_t random = 5;
    float vectors[(CLASSES + 1) * DIM], centre[CLASSES][D], weights[CLASSES * D],
        *features = malloc(sizeof(float) * IMAGES * D);
    char(*labels)[64] = malloc(IMAGES * sizeof *labels);
    for (size_t i = 0; i < (CLASSES + 1) * DIM; i++) vectors[i] = made_number(&random);
    for (size_t c = 0; c < CLASSES; c++)
        for (size_t d = 0; d < D; d++) centre[c][d] = 3 * made_number(&random);
    double mean[D] = {0};
    for (size_t r = 0; r < IMAGES; r++) {
        strcpy(labels[r], made_word(CLASSES)); /* one word for all: the labels tell nothing apart */
        for (size_t d = 0; d < D; d++)
            mean[d] += features[r * D + d] = centre[r % CLASSES][d] + made_number(&random) * (1 + (float)d / D);
    }
    double s[D * D] = {0}, right[D * CLASSES];
    for (size_t d = 0; d < D; d++) mean[d] /= IMAGES;
    for (size_t r = 0; r < IMAGES; r++)
        for (size_t i = 0; i < D; i++)
            for (size_t j = 0; j < D; j++)
                s[i * D + j] += (features[r * D + i] - mean[i]) * (features[r * D + j] - mean[j]) / IMAGES;
    for (size_t d = 0; d < D; d++)
        for (size_t c = 0; c < CLASSES; c++) right[d * CLASSES + c] = centre[c][d] - mean[d];
    check_ok(mask__solve_positive(s, D, right, CLASSES, &err));
    for (size_t c = 0; c < CLASSES; c++)
        for (size_t d = 0; d < D; d++) weights[c * D + d] = (float)right[d * CLASSES + c];
    const char *names[CLASSES];
    for (size_t c = 0; c < CLASSES; c++) names[c] = strdup(made_word(c));
    mask_head head = {CLASSES, D, weights, names};
    mask_vectors *v = made_vectors(vectors, CLASSES + 1, DIM);
    mask_labels *l = made_labels(features, IMAGES, D, labels, 1);
    mask_learn_options o = mask_learn_section9();
    o.representation = MASK_REPRESENTATION_NONE;
    o.tokens = MASK_TOKENS_LETTERS;
    o.prototype_shrink = 0;
    o.head = &head;
    mask_knowledge *k;
    mask_knowledge_info info;
    check_ok(mask_knowledge_learn(&k, l, v, &o, NULL, &err));
    mask_knowledge_describe(k, &info);
    assert_int_equal(info.words, CLASSES + 1);
    assert_int_equal(info.regions, IMAGES);
    for (size_t i = 0; i < info.words; i++) {
        size_t count, best = 0;
        const char *word = mask_knowledge_word(k, i, &count);
        if (strcmp(word, made_word(CLASSES)) == 0) continue;
        assert_int_equal(count, 3);
        double nearest = INFINITY;
        for (size_t c = 0; c < CLASSES; c++) {
            double distance = 0;
            for (size_t d = 0; d < D; d++) distance += pow(mask_knowledge_prototype(k, i)[d] - centre[c][d], 2);
            if (distance < nearest) nearest = distance, best = c;
        }
        assert_string_equal(word, names[best]);
    }
    mask_knowledge_close(k);
    head.dim = D - 1;
    check_fails(mask_knowledge_learn(&k, l, v, &o, NULL, &err), MASK_EMISMATCH, "the classifier's 11");
    for (size_t c = 0; c < CLASSES; c++) free((char *)names[c]);
    mask_labels_close(l);
    mask_vectors_close(v);
    free(features);
    free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prototypes_are_means_whatever_the_threads),
        cmocka_unit_test(a_head_teaches_its_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
