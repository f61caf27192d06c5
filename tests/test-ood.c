/* Neighbours of words and what they hand on, against a twin in double. */
#include "made.h"
#include "knowledge/ood.h"

enum { N = 9, S = 4, KNOWN = 300, QUERIES = 310, Z = 6 }; /* more than a block holds */

typedef struct space {
    float known[KNOWN * N], queries[QUERIES * N], known_company[KNOWN * S], company[QUERIES * S], trust[QUERIES];
} space;

static void fill(float *x, size_t rows, size_t n, uint64_t *random)
{
    for (size_t i = 0; i < rows * n; i++) x[i] = made_number(random);
    for (size_t i = 0; i < rows; i++) mask__normalise(x + i * n, n);
}

static void make_space(space *s, uint64_t seed)
{
    uint64_t random = seed;
    fill(s->known, KNOWN, N, &random);
    fill(s->queries, QUERIES, N, &random);
    fill(s->known_company, KNOWN, S, &random);
    fill(s->company, QUERIES, S, &random);
    memset(s->known_company + 3 * S, 0, S * sizeof(float)); /* a word without company */
    for (size_t i = 0; i < QUERIES; i++) s->trust[i] = i % 3 ? (float)(i % 7) / 10 : 0;
}

static double dot_double(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

/* The index of the largest value that is not taken, the lower one of equals; takes it. */
static size_t take_best(const double *values, bool *taken, size_t n)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (!taken[i] && (best == n || values[i] > values[best])) best = i;
    taken[best] = true;
    return best;
}

static void check_query(const space *s, const mask__neighbours *got, size_t i, size_t known, const float *queries,
                        bool company, const mask__neighbour_options *o)
{
    double cosines[KNOWN], values[KNOWN], sum = 0, near = 0, first = 0;
    bool taken[KNOWN] = {false}, near_taken[KNOWN] = {false};
    size_t available = known - o->skip_self, m = o->m < available ? o->m : available;
    for (size_t k = 0; k < known; k++) {
        double share = company ? o->trust[i] : 0;
        cosines[k] = dot_double(queries + i * N, s->known + k * N, N);
        values[k] = (1 - share) * cosines[k];
        if (company) values[k] += share * dot_double(s->company + i * S, s->known_company + k * S, S);
    }
    if (o->skip_self) near_taken[i] = taken[i] = true;
    for (size_t q = 0; q < 5 && q < available; q++)
        near += cosines[take_best(cosines, near_taken, known)] / (double)(available < 5 ? available : 5);
    assert_true(fabs(got->nearness[i] - near) < 1e-5);
    assert_int_equal(got->m, m);
    size_t order[KNOWN];
    for (size_t q = 0; q < m; q++) {
        order[q] = take_best(values, taken, known);
        if (q == 0) first = values[order[0]];
        sum += exp((values[order[q]] - first) / o->temperature);
    }
    for (size_t q = 0; q < m; q++) {
        double want = exp((values[order[q]] - first) / o->temperature) / sum;
        assert_true(fabs(values[got->items[i * m + q].index] - values[order[q]]) < 1e-6); /* near ties may swap */
        assert_true(fabs(got->items[i * m + q].value - want) < 1e-4);
    }
}

static void check_all(const space *s, size_t known, size_t count, bool company, const mask__neighbour_options *o)
{
    mask_error err;
    mask__neighbours got;
    const float *queries = o->skip_self ? s->known : s->queries;
    mask__word_space all = {known, N, S, s->known, company ? s->known_company : NULL};
    mask__word_space asked = {count, N, S, queries, company ? s->company : NULL};
    check_ok(mask__neighbours_find(&got, &all, &asked, o, &err));
    assert_int_equal(got.count, count);
    for (size_t i = 0; i < count; i++) check_query(s, &got, i, known, queries, company, o);
    mask__neighbours_free(&got);
}

static void neighbours_equal_the_twin(void **state)
{
    (void)state;
    static space s;
    static const size_t ms[] = {1, 3, 10, 60, 1000};
    static const float temperatures[] = {1, 0.1f, 0.02f};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        make_space(&s, seed);
        for (size_t i = 0; i < 5; i++)
            for (int company = 0; company < 2; company++) {
                mask__neighbour_options o = {.m = ms[i], .temperature = temperatures[seed - 1]};
                check_all(&s, KNOWN, QUERIES, false, &o);
                o.trust = s.trust;
                if (company) check_all(&s, KNOWN, QUERIES, true, &o);
                check_all(&s, KNOWN, KNOWN, company, &(mask__neighbour_options){ms[i], 0.1f, true, s.trust});
            }
    }
}

/* Trust without company on either side changes nothing. */
static void company_on_one_side_only(void **state)
{
    (void)state;
    static space s;
    mask_error err;
    mask__neighbours plain, one;
    make_space(&s, 4);
    mask__neighbour_options o = {.m = 7, .temperature = 0.1f},
                            trusting = {.m = 7, .temperature = 0.1f, .trust = s.trust};
    mask__word_space all = {KNOWN, N, S, s.known, NULL}, asked = {QUERIES, N, S, s.queries, s.company};
    check_ok(mask__neighbours_find(&plain, &all, &asked, &o, &err));
    check_ok(mask__neighbours_find(&one, &all, &asked, &trusting, &err));
    assert_memory_equal(plain.items, one.items, QUERIES * 7 * sizeof *one.items);
    mask__neighbours_free(&one);
    all.company = s.known_company;
    asked.company = NULL;
    check_ok(mask__neighbours_find(&one, &all, &asked, &trusting, &err));
    assert_memory_equal(plain.items, one.items, QUERIES * 7 * sizeof *one.items);
    mask__neighbours_free(&one);
    mask__neighbours_free(&plain);
}

static void few_words(void **state)
{
    (void)state;
    static space s;
    mask_error err;
    mask__neighbours got;
    make_space(&s, 5);
    for (size_t known = 1; known < 8; known++) {
        mask__neighbour_options o = {.m = 5, .temperature = 0.5f};
        check_all(&s, known, 3, false, &o);
        o.skip_self = true;
        check_all(&s, known, known, false, &o);
    }
    mask__word_space none = {0, N, 0, s.known, NULL}, asked = {3, N, 0, s.queries, NULL};
    mask__neighbour_options o = {.m = 5, .temperature = 0.5f};
    check_ok(mask__neighbours_find(&got, &none, &asked, &o, &err));
    assert_int_equal(got.m, 0);
    assert_true(got.nearness[2] == 0);
    mask__neighbours_free(&got);
    check_ok(mask__neighbours_find(&got, &asked, &none, &o, &err));
    assert_int_equal(got.count, 0);
    mask__neighbours_free(&got);
}

static void ties_go_to_the_lower_index(void **state)
{
    (void)state;
    mask_error err;
    mask__neighbours got;
    float known[8 * 2], query[2] = {1, 0};
    for (size_t i = 0; i < 8; i++) known[2 * i] = 0, known[2 * i + 1] = 1;
    known[2 * 5] = known[2 * 2] = 1;
    known[2 * 5 + 1] = known[2 * 2 + 1] = 0;
    mask__word_space all = {8, 2, 0, known, NULL}, asked = {1, 2, 0, query, NULL};
    mask__neighbour_options o = {.m = 4, .temperature = 1};
    check_ok(mask__neighbours_find(&got, &all, &asked, &o, &err));
    static const uint32_t want[] = {2, 5, 0, 1};
    double sum = 2 * (1 + exp(-1));
    for (size_t q = 0; q < 4; q++) {
        assert_int_equal(got.items[q].index, want[q]);
        assert_true(fabs(got.items[q].value - (q < 2 ? 1 : exp(-1)) / sum) < 1e-6);
    }
    assert_true(fabs(got.nearness[0] - 0.4) < 1e-6); /* two of the five nearest */
    mask__neighbours_free(&got);
}

static void means_and_shrinking_equal_the_twin(void **state)
{
    (void)state;
    static space s;
    mask_error err;
    mask__neighbours near;
    float table[KNOWN * Z], out[KNOWN * Z], shrunk[KNOWN * Z];
    uint64_t counts[KNOWN], random = 6;
    make_space(&s, 6);
    for (size_t i = 0; i < KNOWN * Z; i++) table[i] = made_number(&random);
    for (size_t i = 0; i < KNOWN; i++) counts[i] = i % 5 ? i : 0;
    mask__word_space all = {KNOWN, N, 0, s.known, NULL};
    mask__neighbour_options o = {.m = 7, .temperature = 0.1f, .skip_self = true};
    check_ok(mask__neighbours_find(&near, &all, &all, &o, &err));
    mask__neighbours_mean(&near, table, Z, out);
    memcpy(shrunk, table, sizeof shrunk);
    check_ok(mask__neighbours_shrink(&near, counts, 10, shrunk, Z, &err));
    for (size_t k = 0; k < KNOWN; k++)
        for (size_t d = 0; d < Z; d++) {
            double mean = 0, own = table[k * Z + d], count = (double)counts[k];
            for (size_t q = 0; q < 7; q++)
                mean += (double)near.items[k * 7 + q].value * table[near.items[k * 7 + q].index * Z + d];
            assert_true(fabs(out[k * Z + d] - mean) < 1e-5);
            assert_true(fabs(shrunk[k * Z + d] - (count * own + 10 * mean) / (count + 10)) < 1e-5);
        }
    memcpy(shrunk, table, sizeof shrunk); /* no pseudo-counts, no change: not even where the count is 0 */
    check_ok(mask__neighbours_shrink(&near, counts, 0, shrunk, Z, &err));
    assert_memory_equal(shrunk, table, sizeof table);
    mask__neighbours_free(&near);
}

/* Prototypes that are a turned, scaled and moved copy of the word vectors are found exactly. */
static void procrustes_finds_a_similarity(void **state)
{
    (void)state;
    static space s;
    mask_error err;
    mask__procrustes fit;
    mask__arena arena = {0};
    float prototypes[KNOWN * (N + 2)], v[N + 2];
    make_space(&s, 7);
    for (size_t k = 0; k < KNOWN; k++)
        for (size_t d = 0; d < N + 2; d++) /* coordinates in another order, one mirrored, two more that stay still */
            prototypes[k * (N + 2) + d] =
                d < N ? 2.5f * (d == 2 ? -1 : 1) * s.known[k * N + (d + 4) % N] + (float)d : 7;
    check_ok(mask__procrustes_fit(&fit, s.known, N, prototypes, N + 2, KNOWN, &arena, &err));
    for (size_t q = 0; q < 20; q++) {
        mask__procrustes_apply(&fit, s.queries + q * N, v);
        for (size_t d = 0; d < N + 2; d++) {
            double want = d < N ? 2.5 * (d == 2 ? -1 : 1) * s.queries[q * N + (d + 4) % N] + (double)d : 7;
            assert_true(fabs(v[d] - want) < 1e-4);
        }
    }
    mask__arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_equal_the_twin),
        cmocka_unit_test(company_on_one_side_only),
        cmocka_unit_test(few_words),
        cmocka_unit_test(ties_go_to_the_lower_index),
        cmocka_unit_test(means_and_shrinking_equal_the_twin),
        cmocka_unit_test(procrustes_finds_a_similarity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
