#include "search/scan.h"

#include <math.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

/* Two columns' codes and the two factors in one: x in the low 16 bits. */
typedef struct column_pair {
    const uint8_t *a, *b;
    uint32_t factors;
} column_pair;

/* sums[i] = the sum of x a[i] + y b[i] over pairs, of a block. */
static void sum_pairs(const column_pair *pairs, size_t count, int32_t *restrict sums)
{
#ifdef __AVX2__
    for (size_t i = 0; i < MASK__BLOCK; i += 32) {
        __m256i sum[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                          _mm256_setzero_si256()};
        for (size_t c = 0; c < count; c++) {
            __m256i factors = _mm256_set1_epi32((int)pairs[c].factors);
            for (size_t half = 0; half < 2; half++) {
                __m128i p = _mm_loadu_si128((const void *)(pairs[c].a + i + 16 * half)),
                        q = _mm_loadu_si128((const void *)(pairs[c].b + i + 16 * half));
                __m256i low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(p, q)),
                        high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(p, q));
                sum[2 * half] = _mm256_add_epi32(sum[2 * half], _mm256_madd_epi16(low, factors));
                sum[2 * half + 1] = _mm256_add_epi32(sum[2 * half + 1], _mm256_madd_epi16(high, factors));
            }
        }
        for (size_t part = 0; part < 4; part++) _mm256_storeu_si256((void *)(sums + i + 8 * part), sum[part]);
    }
#else
    for (size_t i = 0; i < MASK__BLOCK; i++) sums[i] = 0;
    for (size_t c = 0; c < count; c++) {
        int32_t x = (int16_t)pairs[c].factors, y = (int16_t)(pairs[c].factors >> 16);
        for (size_t i = 0; i < MASK__BLOCK; i++) sums[i] += x * pairs[c].a[i] + y * pairs[c].b[i];
    }
#endif
}

/* 255 x 32767 x MASK__SCAN_COLUMNS stays inside 32 bits. */
double mask__scan_add(const mask__scan_column *columns, size_t count, float *sums)
{
    enum { AHEAD = 4 };
    int32_t whole[MASK__BLOCK];
    column_pair pairs[MASK__SCAN_COLUMNS / 2];
    double largest = 0, off = 0;
    for (size_t c = 0; c < count; c++) {
        double size = fabs(columns[c].factor);
        largest = size > largest ? size : largest;
    }
    double unit = largest > 0 ? largest / INT16_MAX : 1, inverse = 1 / unit;
    for (size_t c = 0; c < count; c += 2) {
        const mask__scan_column *a = &columns[c], *b = c + 1 < count ? a + 1 : a;
        int16_t x = (int16_t)lrint(a->factor * inverse), y = b > a ? (int16_t)lrint(b->factor * inverse) : 0;
        off += fabs(a->factor - x * unit) + (b > a ? fabs(b->factor - y * unit) : 0);
        pairs[c / 2] = (column_pair){a->codes, b->codes, (uint32_t)(uint16_t)y << 16 | (uint16_t)x};
    }
    for (size_t c = 0; c < count; c++) /* columns lie far apart: later blocks of each */
        for (size_t line = 0; line < MASK__BLOCK; line += 64)
            __builtin_prefetch((const void *)((uintptr_t)columns[c].codes + AHEAD * MASK__BLOCK + line));
    sum_pairs(pairs, (count + 1) / 2, whole);
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
