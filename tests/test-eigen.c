/* Eigenpairs and singular values of small matrices whose answers are known, and of random ones by their equations;
 * positive definite systems the same, and one that is not positive. */
#include "made.h"
#include "math/eigen.h"

enum { MOST = 24 };

static void known_eigenpairs(void **state)
{
    (void)state;
    mask_error err;
    double a[9] = {2, 0, 0, 0, 3, 4, 0, 4, 9}, values[3], vectors[9];
    const double root5 = sqrt(5), want[3] = {11, 2, 1};
    const double columns[9] = {0, 1, 0, 1 / root5, 0, 2 / root5, 2 / root5, 0, -1 / root5};
    check_ok(mask__eigen_symmetric(a, 3, 3, values, vectors, &err));
    for (size_t i = 0; i < 3; i++) assert_true(fabs(values[i] - want[i]) < 1e-12);
    for (size_t i = 0; i < 9; i++) assert_true(fabs(vectors[i] - columns[i]) < 1e-12);
}

static void eigenpairs_fulfil_their_equation(void **state)
{
    (void)state;
    mask_error err;
    uint64_t random = 1;
    for (size_t n = 1; n <= MOST; n += 3)
        for (size_t count = 1; count <= n; count += 2) {
            double a[MOST * MOST], kept[MOST * MOST], values[MOST], vectors[MOST * MOST];
            for (size_t i = 0; i < n; i++)
                for (size_t j = i; j < n; j++) a[i * n + j] = a[j * n + i] = made_number(&random);
            memcpy(kept, a, sizeof a);
            check_ok(mask__eigen_symmetric(a, n, count, values, vectors, &err));
            for (size_t j = 0; j < count; j++) {
                double largest = 0;
                assert_true(j == 0 || values[j] <= values[j - 1]);
                for (size_t i = 0; i < n; i++) {
                    double sum = 0, entry = vectors[i * count + j];
                    if (fabs(entry) > fabs(largest)) largest = entry;
                    for (size_t k = 0; k < n; k++) sum += kept[i * n + k] * vectors[k * count + j];
                    assert_true(fabs(sum - values[j] * entry) < 1e-10);
                }
                assert_true(largest > 0);
                for (size_t other = 0; other <= j; other++) {
                    double sum = 0;
                    for (size_t i = 0; i < n; i++) sum += vectors[i * count + j] * vectors[i * count + other];
                    assert_true(fabs(sum - (other == j)) < 1e-10);
                }
            }
            double trace = 0, sum = 0; /* all of them: none was left out */
            for (size_t i = 0; i < n; i++) trace += kept[i * n + i];
            for (size_t j = 0; j < count; j++) sum += values[j];
            assert_true(count < n || fabs(trace - sum) < 1e-10);
        }
}

static void known_singular_values(void **state)
{
    (void)state;
    mask_error err;
    double a[6] = {3, 0, 0, 0, 0, -4}, u[4], s[2], vt[6]; /* 2 x 3 */
    check_ok(mask__svd_thin(a, 2, 3, u, s, vt, &err));
    assert_true(fabs(s[0] - 4) < 1e-12 && fabs(s[1] - 3) < 1e-12);
    assert_true(fabs(fabs(u[2]) - 1) < 1e-12 && fabs(fabs(vt[2]) - 1) < 1e-12);
    assert_true(fabs(u[2] * vt[2] + 1) < 1e-12);
}

static void singular_values_give_the_matrix_back(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {7, 3}, {3, 7}, {20, 20}, {1, 9}};
    mask_error err;
    uint64_t random = 2;
    for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
        size_t m = sizes[c][0], n = sizes[c][1], r = m < n ? m : n;
        double a[400], kept[400], u[400], s[20], vt[400];
        for (size_t i = 0; i < m * n; i++) kept[i] = a[i] = made_number(&random);
        check_ok(mask__svd_thin(a, m, n, u, s, vt, &err));
        for (size_t j = 1; j < r; j++) assert_true(s[j] <= s[j - 1] && s[j] >= 0);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                double sum = 0;
                for (size_t k = 0; k < r; k++) sum += u[i * r + k] * s[k] * vt[k * n + j];
                assert_true(fabs(sum - kept[i * n + j]) < 1e-10);
            }
    }
}

static void nan_is_refused(void **state)
{
    (void)state;
    mask_error err;
    double a[4] = {1, NAN, NAN, 1}, values[2], vectors[4], u[4], vt[4];
    check_fails(mask__eigen_symmetric(a, 2, 2, values, vectors, &err), MASK_ENUMERIC, "eigendecomposition");
    double b[4] = {1, NAN, NAN, 1};
    check_fails(mask__svd_thin(b, 2, 2, u, values, vt, &err), MASK_ENUMERIC, "singular value decomposition");
}

static void a_known_system(void **state)
{
    (void)state;
    mask_error err;
    /* Only the upper triangle is read: below it stands what would ruin the result. */
    double a[9] = {4, 2, 0, 99, 5, 1, NAN, 99, 3}, x[6] = {8, 1, 15, 0, 11, 0};
    const double want[6] = {1, 14 / 44.0, 2, -6 / 44.0, 3, 2 / 44.0};
    check_ok(mask__solve_positive(a, 3, x, 2, &err));
    for (size_t i = 0; i < 6; i++) assert_true(fabs(x[i] - want[i]) < 1e-12);
}

static void solutions_fulfil_their_equation(void **state)
{
    (void)state;
    enum { COLUMNS = 4 };
    mask_error err;
    uint64_t random = 1;
    for (size_t n = 1; n <= MOST; n++) {
        double root[MOST * MOST], a[MOST * MOST], kept[MOST * MOST], x[MOST * COLUMNS], right[MOST * COLUMNS];
        for (size_t i = 0; i < n * n; i++) root[i] = made_number(&random);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                double sum = i == j ? 0.5 : 0;
                for (size_t k = 0; k < n; k++) sum += root[i * n + k] * root[j * n + k];
                kept[i * n + j] = a[i * n + j] = sum;
            }
        for (size_t i = 0; i < n * COLUMNS; i++) right[i] = x[i] = made_number(&random);
        check_ok(mask__solve_positive(a, n, x, COLUMNS, &err));
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < COLUMNS; c++) {
                double sum = 0;
                for (size_t k = 0; k < n; k++) sum += kept[i * n + k] * x[k * COLUMNS + c];
                assert_true(fabs(sum - right[i * COLUMNS + c]) < 1e-9);
            }
    }
}

static void what_is_not_positive_is_refused(void **state)
{
    (void)state;
    mask_error err;
    double indefinite[4] = {1, 2, 2, 1}, x[2] = {1, 1};
    check_fails(mask__solve_positive(indefinite, 2, x, 1, &err), MASK_ENUMERIC, "not positive definite");
    double unknown[4] = {1, NAN, NAN, 1};
    check_fails(mask__solve_positive(unknown, 2, x, 1, &err), MASK_ENUMERIC, "NaN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_eigenpairs),
        cmocka_unit_test(eigenpairs_fulfil_their_equation),
        cmocka_unit_test(known_singular_values),
        cmocka_unit_test(singular_values_give_the_matrix_back),
        cmocka_unit_test(nan_is_refused),
        cmocka_unit_test(a_known_system),
        cmocka_unit_test(solutions_fulfil_their_equation),
        cmocka_unit_test(what_is_not_positive_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
