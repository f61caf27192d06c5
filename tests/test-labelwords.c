/* The words of labels: what counts for a region, what is dropped, compounds beside their parts, vectors that are unit.
 */
#include "made.h"
#include "knowledge/labelwords.h"

enum { N = 3, MOST = 16 };

static const char *const vector_words[] = {"dog",  "hot",     "man",    "goose",      "brown", "t-shirt", "zero",
                                           "fire", "hydrant", "haired", "teddy-bear", "teddy", "bear"};
enum { VECTORS = sizeof vector_words / sizeof *vector_words };

typedef struct world {
    float values[VECTORS * N];
    mask_vectors *vectors;
    mask_labels *labels;
    mask__label_words words;
} world;

static void read_labels(world *w, const char *const *texts, size_t count, mask_tokens rule)
{
    mask_error err;
    uint64_t random = 5;
    float features[MOST] = {0};
    static char labels[MOST][64];
    for (size_t i = 0; i < VECTORS * N; i++) w->values[i] = made_number(&random);
    for (size_t d = 0; d < N; d++) w->values[6 * N + d] = 0; /* "zero" has a vector without direction */
    for (size_t i = 0; i < count; i++) snprintf(labels[i], sizeof labels[i], "%s", texts[i]);
    w->vectors = made_word_vectors(vector_words, w->values, VECTORS, N);
    w->labels = made_labels(features, count, 1, labels, 2);
    check_ok(mask__label_words_read(&w->words, w->labels, NULL, w->vectors, rule, NULL, &err));
}

static void free_world(world *w)
{
    mask__label_words_free(&w->words);
    mask_labels_close(w->labels);
    mask_vectors_close(w->vectors);
}

/* The words of each region, in order, "|" between regions. */
static void check_pairs(const world *w, size_t regions, const char *want)
{
    char got[512] = "";
    uint64_t counts[MOST] = {0};
    for (size_t r = 0; r < regions; r++) {
        for (size_t p = w->words.pairs_at[r]; p < w->words.pairs_at[r + 1]; p++) {
            size_t length;
            const char *word = mask__strings_get(&w->words.words, w->words.pairs[p], &length);
            snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ", (int)length, word);
            counts[w->words.pairs[p]]++;
        }
        strcat(got, "| ");
    }
    assert_string_equal(got, want);
    assert_int_equal(w->words.pair_count, w->words.pairs_at[regions]);
    for (size_t i = 0; i < w->words.words.count; i++) assert_int_equal(w->words.counts[i], counts[i]);
}

/* The stored vector of a word is the unit sum of unit vectors of these rows. */
static void check_vector(const world *w, const char *word, size_t a, size_t b)
{
    double sum[N] = {0}, squares = 0;
    size_t rows[2] = {a, b};
    for (size_t i = 0; i < (a == b ? 1u : 2u); i++) {
        const float *x = w->values + rows[i] * N;
        double norm = sqrt((double)x[0] * x[0] + (double)x[1] * x[1] + (double)x[2] * x[2]);
        for (size_t d = 0; d < N; d++) sum[d] += x[d] / norm;
    }
    for (size_t d = 0; d < N; d++) squares += sum[d] * sum[d];
    uint32_t at = mask__strings_find(&w->words.words, word, strlen(word));
    assert_true(at != MASK__NOT_FOUND);
    for (size_t d = 0; d < N; d++) assert_true(fabs(w->words.vectors[at * N + d] - sum[d] / sqrt(squares)) < 1e-5);
}

static void by_captions(void **state)
{
    (void)state;
    static const char *const texts[] = {"The man",
                                        "a hot dog",
                                        "dogs",
                                        "geese and geese",
                                        "brown-haired man",
                                        "t-shirt",
                                        "fire hydrant",
                                        "brown dog dog",
                                        "xyzzy",
                                        "zero",
                                        "Teddy bear",
                                        "2"};
    world w;
    read_labels(&w, texts, 12, MASK_TOKENS_CAPTION);
    check_pairs(&w, 12,
                "man | hot dog hot_dog | dog | goose | brown haired man | t-shirt | fire hydrant fire_hydrant | "
                "brown dog | | | teddy bear teddy_bear | | ");
    check_vector(&w, "dog", 0, 0);
    check_vector(&w, "hot_dog", 1, 0);
    check_vector(&w, "fire_hydrant", 7, 8);
    check_vector(&w, "teddy_bear", 10, 10); /* written with a hyphen it has a vector of its own */
    free_world(&w);
}

static void by_letters(void **state)
{
    (void)state;
    static const char *const texts[] = {"The man", "a hot dog", "dogs", "t-shirt man man", "2"};
    world w;
    read_labels(&w, texts, 5, MASK_TOKENS_LETTERS);
    check_pairs(&w, 5, "man | hot dog | | man | | ");
    free_world(&w);
}

/* Words keep their numbers in the order in which they appear. */
static void words_stand_in_order_of_appearance(void **state)
{
    (void)state;
    static const char *const texts[] = {"goose", "dog goose", "goose", "man"};
    static const char *const want[] = {"goose", "dog", "man"};
    static const uint64_t counts[] = {3, 1, 1};
    world w;
    read_labels(&w, texts, 4, MASK_TOKENS_LETTERS);
    assert_int_equal(w.words.words.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mask__strings_find(&w.words.words, want[i], strlen(want[i])), i);
        assert_int_equal(w.words.counts[i], counts[i]);
    }
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_captions),
        cmocka_unit_test(by_letters),
        cmocka_unit_test(words_stand_in_order_of_appearance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
