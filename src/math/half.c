/* By the bits: no compiler's _Float16 is needed, and whole arrays become vector instructions. */
#include "math/half.h"

#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#endif

static float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t as_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Exponent and fraction in float's places, then the exponents' difference, 127 - 15, by a product: exact, below the
 * least normal number too. */
float mask__half(uint16_t half)
{
    uint32_t bits = as_bits(as_float((uint32_t)(half & 0x7fff) << 13) * 0x1p112f);
    bits |= (half & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    return as_float(bits | (uint32_t)(half & 0x8000) << 16);
}

/* Rounded to the nearest, ties to even: above the least normal number by an addition to the bits, below by float's own
 * addition to 1/2, whose last place is the least number of all. */
static uint16_t to_half(float value)
{
    uint32_t bits = as_bits(value), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    uint32_t normal = (size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    uint32_t small = as_bits(as_float(size) + 0.5f) - as_bits(0.5f);
    uint32_t half = size < 0x38800000 ? small : normal;
    half = size >= 0x47800000 ? 0x7c00 : half;
    half = size > 0x7f800000 ? 0x7e00 | (size >> 13 & 0x1ff) : half;
    return (uint16_t)(sign | half);
}

void mask__half_to_float(const uint16_t *from, float *to, size_t count)
{
    size_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from + i))));
#endif
    for (; i < count; i++) to[i] = mask__half(from[i]);
}

void mask__float_to_half(const float *from, uint16_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++) to[i] = to_half(from[i]);
}

void mask__round_to_half(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) values[i] = mask__half(to_half(values[i]));
}
