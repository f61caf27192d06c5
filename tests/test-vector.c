/* The float kernels against naive twins in double: powers, top-k with ties, finiteness, unit vectors, products. */
#include "made.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <float.h>
#include <signal.h>
#include <sys/time.h>

static void powers_keep_the_sign(void **state)
{
    (void)state;
    static const float powers[] = {1, 0.75f, 0.5f, 0.3f, 0.01f};
    enum { COUNT = 133 };
    float x[COUNT], y[COUNT];
    uint64_t random = 1;
    for (size_t i = 0; i < COUNT; i++) x[i] = made_number(&random) * powf(10, (float)(i % 9) - 4);
    x[0] = 0;
    x[1] = -0.0f;
    x[2] = FLT_MAX;
    x[3] = -FLT_MIN;
    x[4] = 1;
    for (size_t p = 0; p < sizeof powers / sizeof *powers; p++) {
        mask__raise(x, powers[p], y, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            double want = copysign(pow(fabs((double)x[i]), (double)powers[p]), (double)x[i]);
            if (!(fabs(y[i] - want) <= 1e-6 * fabs(want)))
                fail_msg("%g^%g: %g, not %g", (double)x[i], (double)powers[p], (double)y[i], want);
            assert_int_equal(!signbit(y[i]), !signbit(x[i]));
        }
        float in_place[COUNT];
        memcpy(in_place, x, sizeof x);
        mask__raise(in_place, powers[p], in_place, COUNT);
        assert_memory_equal(in_place, y, sizeof y);
    }
}

/* k times the best of what is left; the lower index of equals. */
static void check_top(const float *values, size_t n, size_t k)
{
    mask__ranked got[64];
    bool taken[64] = {false};
    size_t found = mask__top_k(values, n, k, got);
    assert_int_equal(found, k < n ? k : n);
    for (size_t place = 0; place < found; place++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++)
            if (!taken[i] && (best == n || values[i] > values[best])) best = i;
        taken[best] = true;
        assert_int_equal(got[place].index, best);
        assert_memory_equal(&got[place].value, &values[best], sizeof(float));
    }
}

static void top_k_with_ties(void **state)
{
    (void)state;
    uint64_t random = 2;
    float values[64];
    for (int round = 0; round < 50; round++)
        for (size_t n = 0; n <= 64; n = n < 4 ? n + 1 : n * 2) {
            for (size_t i = 0; i < n; i++) /* few distinct values: many ties */
                values[i] = round % 2 ? made_number(&random) : floorf(3 * made_number(&random));
            if (n > 2 && round % 3 == 0) values[n / 2] = -INFINITY;
            for (size_t k = 0; k <= n + 1; k++) check_top(values, n, k);
        }
    for (size_t i = 0; i < 64; i++) values[i] = -INFINITY;
    check_top(values, 64, 7);
}

static void a_value_that_is_not_finite_is_found(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    float values[70];
    size_t where = 99;
    for (size_t i = 0; i < 70; i++) values[i] = i % 2 ? FLT_MAX : -FLT_MAX; /* their sum overflows, they do not */
    assert_true(mask__all_finite(values, 70, &where));
    assert_true(mask__all_finite(values, 0, &where));
    assert_int_equal(where, 99);
    for (size_t b = 0; b < 3; b++)
        for (size_t i = 0; i < 70; i++) {
            float was = values[i];
            values[i] = bad[b];
            assert_false(mask__all_finite(values, 70, &where));
            assert_int_equal(where, i);
            assert_true(mask__all_finite(values, i, &where));
            values[i] = was;
        }
    values[12] = values[40] = INFINITY; /* inf - inf is NaN too, and the first counts */
    assert_false(mask__all_finite(values, 70, &where));
    assert_int_equal(where, 12);
}

static void dots_norms_and_units(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (size_t n = 0; n < 40; n++) {
        float a[40], b[40], c[40];
        double dot = 0, squares = 0;
        for (size_t i = 0; i < n; i++) {
            a[i] = made_number(&random);
            c[i] = b[i] = made_number(&random);
            dot += (double)a[i] * b[i];
            squares += (double)a[i] * a[i];
        }
        assert_true(fabs(mask__dot(a, b, n) - dot) < 1e-5);
        assert_true(fabs(mask__norm(a, n) - sqrt(squares)) < 1e-5);
        mask__axpy(-2, a, c, n);
        for (size_t i = 0; i < n; i++) assert_true(fabs(c[i] - (b[i] - 2.0 * a[i])) < 1e-6);
        memcpy(c, a, sizeof c);
        assert_true(fabs(mask__normalise(c, n) - sqrt(squares)) < 1e-5);
        for (size_t i = 0; i < n; i++) assert_true(fabs(c[i] - a[i] / sqrt(squares)) < 1e-6);
    }
    float zero[3] = {0};
    assert_true(mask__normalise(zero, 3) == 0);
    for (size_t i = 0; i < 3; i++) assert_true(zero[i] == 0);
}

static void rows_have_the_same_dot_in_any_company(void **state)
{
    (void)state;
    enum { ROWS = 9, MAX = 67 };
    uint64_t random = 3;
    float v[MAX], rows[ROWS * MAX], all[ROWS], some[ROWS];
    for (size_t n = 0; n <= MAX; n++) {
        for (size_t i = 0; i < n; i++) v[i] = made_number(&random);
        for (size_t i = 0; i < ROWS * n; i++) rows[i] = made_number(&random);
        mask__dot_rows(v, rows, ROWS, n, all);
        for (size_t r = 0; r < ROWS; r++) {
            double want = 0;
            for (size_t i = 0; i < n; i++) want += (double)v[i] * rows[r * n + i];
            assert_true(fabs(all[r] - want) < 1e-5);
        }
        for (size_t first = 0; first < ROWS; first++)
            for (size_t count = 0; first + count <= ROWS; count++) {
                mask__dot_rows(v, rows + first * n, count, n, some);
                assert_memory_equal(some, all + first, count * sizeof *some);
            }
    }
}

static void a_signal(int number)
{
    (void)number;
}

/* A large k, cut in pieces; and memory stays whole while signals come: oneDNN alone would write over its neighbours. */
static void products_while_signals_come(void **state)
{
    (void)state;
    enum { M = 48, N = 8, K = 4100, TIMES = 400, BLOCKS = 64, BYTES = 8192 };
    uint64_t random = 5;
    float *a = malloc(sizeof(float) * M * K), *b = malloc(sizeof(float) * N * K), c[M * N], first[M * N];
    unsigned char *blocks[BLOCKS];
    for (size_t i = 0; i < M * K; i++) a[i] = made_number(&random);
    for (size_t i = 0; i < N * K; i++) b[i] = made_number(&random);
    struct sigaction before, action = {.sa_handler = a_signal, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    for (size_t n = 0; n < TIMES; n++) {
        for (size_t i = 0; i < BLOCKS; i++)
            memset(blocks[i] = malloc(BYTES), 7, BYTES); /* round the product's buffers */
        for (size_t i = 0; i < BLOCKS; i += 2) free(blocks[i]);
        mask__gemm(false, true, M, N, K, 1, a, K, b, K, 0, c, N);
        for (size_t i = 1; i < BLOCKS; i += 2) {
            for (size_t at = 0; at < BYTES; at++) assert_int_equal(blocks[i][at], 7);
            free(blocks[i]);
        }
        if (n == 0) memcpy(first, c, sizeof c);
        assert_memory_equal(first, c, sizeof c);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    for (size_t i = 0; i < M * N; i++) {
        double want = 0;
        for (size_t p = 0; p < K; p++) want += (double)a[i / N * K + p] * b[i % N * K + p];
        assert_true(fabs(c[i] - want) < 1e-3);
    }
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_keep_the_sign),
        cmocka_unit_test(top_k_with_ties),
        cmocka_unit_test(a_value_that_is_not_finite_is_found),
        cmocka_unit_test(dots_norms_and_units),
        cmocka_unit_test(rows_have_the_same_dot_in_any_company),
        cmocka_unit_test(products_while_signals_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
