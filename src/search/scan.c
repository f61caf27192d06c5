#include "search/scan.h"

#include <math.h>

void mask__scan_add(const uint8_t *restrict codes, float scale, float *restrict sums)
{
    for (size_t i = 0; i < MASK__BLOCK; i++) sums[i] += scale * (float)codes[i];
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
