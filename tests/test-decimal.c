/* Decimal numbers: the grammar, and the same float as strtod gives for every form. */
#include "check.h"
#include "base/decimal.h"

static bool reads(const char *text, float *value)
{
    return mask__decimal_read(text, strlen(text), value);
}

static void agrees_with_strtod(void **state)
{
    (void)state;
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "+2.5",
                                        ".5",
                                        "5.",
                                        "-0.038194",
                                        "9.8e-05",
                                        "1E3",
                                        "1e-44",
                                        "3.4028234e38",
                                        "0.1000000014901161193847656",
                                        "123456789012345678901234567890",
                                        "9007199254740993",
                                        "4.9e-324",
                                        "0.00000000000000000000000000000001",
                                        "1e22",
                                        "1e23"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        float value, expected = (float)strtod(texts[i], NULL);
        double wide, exact = strtod(texts[i], NULL);
        if (!reads(texts[i], &value) || memcmp(&value, &expected, sizeof value) != 0) fail_msg("%s", texts[i]);
        if (!mask__decimal_double(texts[i], strlen(texts[i]), &wide) || memcmp(&wide, &exact, sizeof wide) != 0)
            fail_msg("%s as a double", texts[i]);
    }
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        double random = (double)rand_r(&seed) / RAND_MAX * 20 - 10;
        float value;
        snprintf(text, sizeof text, i % 3 == 0 ? "%.6g" : i % 3 == 1 ? "%.17g" : "%.9e", random);
        float expected = (float)strtod(text, NULL);
        if (!reads(text, &value) || value != expected) fail_msg("%s", text);
    }
}

static void refuses_what_is_no_decimal_number(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "-",   ".",   "e5",  "1e",   "1e+",  "1.2.3",         "1,5", " 1", "1 ",
                                        "0x10", "nan", "NaN", "inf", "-inf", "1e39", "1e99999999999", "12a", "--1"};
    float value;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (reads(texts[i], &value)) fail_msg("'%s' was read", texts[i]);
    char digits[201];
    memset(digits, '1', 200);
    digits[200] = 0;
    assert_false(reads(digits, &value));
    assert_true(mask__decimal_read("15", 1, &value) && value == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_strtod),
        cmocka_unit_test(refuses_what_is_no_decimal_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
