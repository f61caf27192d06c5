/* Positive definite systems: a known one, random ones put back into their equation, one that is not positive. */
#include "made.h"
#include "math/solve.h"

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
    enum { MOST = 20, COLUMNS = 4 };
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
        cmocka_unit_test(a_known_system),
        cmocka_unit_test(solutions_fulfil_their_equation),
        cmocka_unit_test(what_is_not_positive_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
