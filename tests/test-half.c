/* Every float16 against its definition, and what lies between two of them against the rule: nearest, ties to even. */
#include "check.h"
#include "math/half.h"

#include <math.h>

/* (-1)^s 2^(e - 15) 1.f, or 2^-14 0.f */
static double meaning(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -size : size;
}

static uint16_t rounded(float value)
{
    uint16_t half;
    mask__float_to_half(&value, &half, 1);
    return half;
}

static void every_number_is_what_its_bits_say(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float value = mask__half((uint16_t)h);
        bool special = (h >> 10 & 31) == 31;
        if (!special) assert_true((double)value == meaning((uint16_t)h));
        else if (h & 1023) assert_true(isnan(value));
        else assert_true(isinf(value));
        assert_int_equal(!!signbit(value), h >> 15);
        if (isnan(value)) assert_true(isnan(mask__half(rounded(value))));
        else assert_int_equal(rounded(value), h);
    }
}

static void what_lies_between_is_rounded(void **state)
{
    (void)state;
    for (uint16_t h = 0; h < 0x7bff; h++)
        for (int sign = 0; sign < 2; sign++) {
            uint16_t low = (uint16_t)(h | sign << 15), high = (uint16_t)(low + 1);
            float middle = (float)((meaning(low) + meaning(high)) / 2);
            assert_int_equal(rounded(middle), h % 2 ? high : low);
            assert_int_equal(rounded(nextafterf(middle, 0)), low);
            assert_int_equal(rounded(nextafterf(middle, sign ? -INFINITY : INFINITY)), high);
        }
    assert_int_equal(rounded(65519.996f), 0x7bff);
    assert_int_equal(rounded(65520), 0x7c00);
    assert_int_equal(rounded(-3e38f), 0xfc00);
    assert_int_equal(rounded(1e-30f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_what_its_bits_say),
        cmocka_unit_test(what_lies_between_is_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
