#include "search/scan.h"

#include <math.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

/* sums[i] += x a[i] + y b[i] over a block. */
static void add_two(const uint8_t *restrict a, const uint8_t *restrict b, int16_t x, int16_t y, int32_t *restrict sums)
{
#ifdef __AVX2__
    __m256i factors = _mm256_set1_epi32((int)((uint32_t)(uint16_t)y << 16 | (uint16_t)x));
    for (size_t i = 0; i < MASK__BLOCK; i += 16) {
        __m128i p = _mm_loadu_si128((const void *)(a + i)), q = _mm_loadu_si128((const void *)(b + i));
        __m256i low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(p, q)),
                high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(p, q));
        __m256i *to = (void *)(sums + i);
        _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), _mm256_madd_epi16(low, factors)));
        _mm256_storeu_si256(to + 1, _mm256_add_epi32(_mm256_loadu_si256(to + 1), _mm256_madd_epi16(high, factors)));
    }
#else
    for (size_t i = 0; i < MASK__BLOCK; i++) sums[i] += (int32_t)x * a[i] + (int32_t)y * b[i];
#endif
}

/* 255 x 32767 x MASK__SCAN_COLUMNS stays inside 32 bits. */
double mask__scan_add(const mask__scan_column *columns, size_t count, float *sums)
{
    enum { AHEAD = 8 };
    int32_t whole[MASK__BLOCK] = {0};
    double largest = 0, off = 0;
    for (size_t c = 0; c < count; c++) largest = fmax(largest, fabs(columns[c].factor));
    double unit = largest > 0 ? largest / INT16_MAX : 1;
    for (size_t c = 0; c < count; c += 2) {
        const mask__scan_column *a = &columns[c], *b = c + 1 < count ? a + 1 : a;
        int16_t x = (int16_t)lrint(a->factor / unit), y = b > a ? (int16_t)lrint(b->factor / unit) : 0;
        off += fabs(a->factor - x * unit) + (b > a ? fabs(b->factor - y * unit) : 0);
        for (size_t line = 0; c + AHEAD + 1 < count && line < MASK__BLOCK; line += 64) { /* columns lie far apart */
            __builtin_prefetch(columns[c + AHEAD].codes + line);
            __builtin_prefetch(columns[c + AHEAD + 1].codes + line);
        }
        add_two(a->codes, b->codes, x, y, whole);
    }
    for (size_t i = 0; i < MASK__BLOCK; i++) sums[i] += (float)unit * (float)whole[i];
    return 255 * off;
}

/* The sum of Z products of 8 and 16 bits must stay inside 32 bits: |q . v| <= 127 most Z. */
mask__scan_vector mask__scan_vector_of(const float *vector, size_t z, int16_t *codes)
{
    mask__scan_vector out = {.z = z, .codes = codes};
    double largest = 0, most = floor((double)INT32_MAX / (127.0 * (double)(z ? z : 1)));
    if (most > 8191) most = 8191;
    for (size_t d = 0; d < z; d++) {
        double size = fabs((double)vector[d]);
        out.one_norm += size;
        if (size > largest) largest = size;
    }
    out.step = largest / most;
    for (size_t d = 0; d < z; d++) codes[d] = out.step > 0 ? (int16_t)lrint((double)vector[d] / out.step) : 0;
    return out;
}

static int32_t dot(const int8_t *restrict a, const int16_t *restrict b, size_t n)
{
    int32_t sum = 0;
    for (size_t d = 0; d < n; d++) sum += (int32_t)(int16_t)a[d] * (int32_t)b[d];
    return sum;
}

/* x . v = (x - step q) . v + step q . (v - s c) + step s q . c. The first is at most 0.501 step |v|_1; the second at
 * most s / 2 times |step q|_1 <= |x|_1 + 0.501 step Z <= sqrt Z + 0.501 step Z; the third is computed exactly and
 * rounded. */
void mask__scan_dots(const mask__scan_vector *v, const int8_t *codes, const float *steps, size_t count, float *dots,
                     float *errors)
{
    double z = (double)v->z, fixed = 0.51 * v->step * sqrt(z) + (z + 8) * MASK__ROUNDING;
    double sloped = 0.501 * v->one_norm + 0.51 * v->step * 0.501 * z;
    for (size_t i = 0; i < count; i++) {
        dots[i] = (float)((double)steps[i] * v->step * (double)dot(codes + i * v->z, v->codes, v->z));
        errors[i] = (float)(fixed + (double)steps[i] * sloped);
    }
}
