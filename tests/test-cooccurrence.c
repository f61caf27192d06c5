/* The company of words against a twin in double: counts, mutual information, and rows up to what eigenvectors leave
 * open (signs, bases of equal eigenvalues), which dot products between rows do not see. */
#include "made.h"
#include "knowledge/cooccurrence.h"
#include "math/eigen.h"

enum { MOST_WORDS = 160, MOST_KNOWN = 130, LENGTH = 9 };

typedef struct corpus {
    uint64_t at[2][64];
    uint32_t word[2][64 * LENGTH];
    mask__documents sets[2];
} corpus;

static void fill_corpus(corpus *c, size_t words, uint64_t *random)
{
    for (int s = 0; s < 2; s++) {
        size_t used = 0, count = 0;
        for (; count < 60; count++) {
            size_t length = count % LENGTH; /* empty ones and single words too */
            c->at[s][count] = used;
            for (size_t i = 0; i < length; i++) /* small numbers are frequent; repeats happen */
                c->word[s][used++] = (uint32_t)(pow((made_number(random) + 1) / 2, 2) * (double)words * 0.95);
            if (count % 4 == 3) c->word[s][used - 1] = c->word[s][used - 2];
        }
        c->at[s][count] = used;
        c->sets[s] = (mask__documents){count, c->at[s], c->word[s]};
    }
}

/* P of the header, words x known. */
static void twin_information(const mask__documents *sets, size_t set_count, size_t words, size_t known, double *p)
{
    static double c[MOST_WORDS][MOST_WORDS]; /* of all words with all words */
    double row[MOST_WORDS] = {0}, total = 0;
    memset(c, 0, sizeof c);
    for (size_t s = 0; s < set_count; s++)
        for (size_t d = 0; d < sets[s].count; d++) {
            bool holds[MOST_WORDS] = {false};
            size_t distinct = 0;
            for (uint64_t i = sets[s].at[d]; i < sets[s].at[d + 1]; i++) holds[sets[s].word[i]] = true;
            for (size_t w = 0; w < words; w++) distinct += holds[w];
            for (size_t u = 0; u < words; u++)
                for (size_t v = 0; v < words; v++)
                    if (u != v && holds[u] && holds[v]) c[u][v] += 1 / (double)(distinct - 1);
        }
    for (size_t u = 0; u < words; u++) {
        for (size_t v = 0; v < words; v++) row[u] += c[u][v];
        total += pow(row[u], 0.75);
    }
    for (size_t u = 0; u < words; u++)
        for (size_t v = 0; v < known; v++)
            p[u * known + v] = c[u][v] > 0 ? fmax(0, log(c[u][v] / (row[u] * pow(row[v], 0.75) / total))) : 0;
}

/* Dot products of unit(P Q lambda^-1/4) from P alone: P Q lambda^-1/2 Q'P' up to the lengths of rows, the `dim` largest
 * eigenpairs of P'P. */
static void twin_products(const double *p, size_t words, size_t known, size_t dim, double *products)
{
    mask_error err;
    static double gram[MOST_KNOWN * MOST_KNOWN], values[MOST_KNOWN], vectors[MOST_KNOWN * MOST_KNOWN];
    static double rows[MOST_WORDS * MOST_KNOWN];
    for (size_t a = 0; a < known; a++)
        for (size_t b = 0; b < known; b++) {
            gram[a * known + b] = 0;
            for (size_t u = 0; u < words; u++) gram[a * known + b] += p[u * known + a] * p[u * known + b];
        }
    check_ok(mask__eigen_symmetric(gram, known, dim, values, vectors, &err));
    for (size_t u = 0; u < words; u++) {
        double squares = 0;
        for (size_t j = 0; j < dim; j++) {
            double sum = 0;
            for (size_t v = 0; v < known; v++) sum += p[u * known + v] * vectors[v * dim + j];
            rows[u * dim + j] = values[j] > 1e-9 * values[0] ? sum * pow(values[j], -0.25) : 0;
            squares += rows[u * dim + j] * rows[u * dim + j];
        }
        for (size_t j = 0; j < dim && squares > 0; j++) rows[u * dim + j] /= sqrt(squares);
    }
    for (size_t u = 0; u < words; u++)
        for (size_t w = 0; w < words; w++) {
            products[u * words + w] = 0;
            for (size_t j = 0; j < dim; j++) products[u * words + w] += rows[u * dim + j] * rows[w * dim + j];
        }
}

static void compare(const mask__documents *sets, size_t set_count, size_t words, size_t known)
{
    static double p[MOST_WORDS * MOST_KNOWN], products[MOST_WORDS * MOST_WORDS];
    mask_error err;
    mask__arena arena = {0};
    size_t dim;
    float *out;
    check_ok(mask__cooccurrence(sets, set_count, words, known, &dim, &out, &arena, &err));
    assert_int_equal(dim, known < MASK__COMPANY_DIM ? known : MASK__COMPANY_DIM);
    twin_information(sets, set_count, words, known, p);
    twin_products(p, words, known, dim, products);
    for (size_t u = 0; u < words; u++)
        for (size_t w = 0; w < words; w++) {
            double sum = 0;
            for (size_t j = 0; j < dim; j++) sum += (double)out[u * dim + j] * out[w * dim + j];
            if (!(fabs(sum - products[u * words + w]) < 2e-4))
                fail_msg("%zu words, %zu known: words %zu and %zu: %g, not %g", words, known, u, w, sum,
                         products[u * words + w]);
        }
    mask__arena_free(&arena);
}

static void equals_the_twin(void **state)
{
    (void)state;
    static corpus c;
    static const size_t sizes[][2] = {{30, 12}, {30, 30}, {60, 1}, {160, 130}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t random = i + 1;
        fill_corpus(&c, sizes[i][0], &random);
        compare(c.sets, 2, sizes[i][0], sizes[i][1]);
        compare(c.sets, 1, sizes[i][0], sizes[i][1]);
    }
}

/* Words 0 1 2 are known, 3 and 4 are not; 2 stands alone, 4 nowhere. Worked out by hand. */
static void a_small_corpus(void **state)
{
    (void)state;
    static const uint64_t at[] = {0, 3, 4, 6, 6};
    static const uint32_t word[] = {0, 3, 0, /* one word, the repeat does not count */ 2, /**/ 1, 3};
    const mask__documents set = {4, at, word};
    mask_error err;
    mask__arena arena = {0};
    size_t dim;
    float *out;
    check_ok(mask__cooccurrence(&set, 1, 5, 3, &dim, &out, &arena, &err));
    assert_int_equal(dim, 3);
    for (size_t d = 0; d < dim; d++) assert_true(out[2 * dim + d] == 0 && out[4 * dim + d] == 0);
    /* Row sums: word 3 two, words 0 and 1 one each. Known words met no known word: no company for them; word 3 met both
     * alike: C = 1 over 2 * 1 / (1 + 1 + 2^0.75), above 0, so its row is (p, p, 0), and unit. */
    double squares = 0;
    for (size_t d = 0; d < dim; d++) {
        assert_true(out[0 * dim + d] == 0 && out[1 * dim + d] == 0);
        squares += (double)out[3 * dim + d] * out[3 * dim + d];
    }
    assert_true(fabs(squares - 1) < 1e-5);
    mask__arena_free(&arena);
}

static void no_company_at_all(void **state)
{
    (void)state;
    static const uint64_t at[] = {0, 1, 3};
    static const uint32_t word[] = {1, 0, 0};
    const mask__documents set = {2, at, word}, none = {0, at, word};
    mask_error err;
    mask__arena arena = {0};
    size_t dim;
    float *out;
    check_ok(mask__cooccurrence(&set, 1, 3, 2, &dim, &out, &arena, &err));
    for (size_t i = 0; i < 3 * dim; i++) assert_true(out[i] == 0);
    check_ok(mask__cooccurrence(&none, 1, 3, 2, &dim, &out, &arena, &err));
    for (size_t i = 0; i < 3 * dim; i++) assert_true(out[i] == 0);
    mask__arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_twin),
        cmocka_unit_test(a_small_corpus),
        cmocka_unit_test(no_company_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
