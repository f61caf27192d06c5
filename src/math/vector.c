#include "math/vector.h"
#include "base/heap.h"

#include <math.h>

float mask__dot(const float *a, const float *b, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

enum { LANES = 16, TOGETHER = 4 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

static float sum_lanes(lanes v)
{
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) v[l] += v[l + half];
    return v[0];
}

/* Each row has its own lanes, which are added up in the same order for all: four rows keep the processor busy where one
 * would wait for its own sums. */
static void dot_four(const float *v, const float *const rows[TOGETHER], size_t n, float out[TOGETHER])
{
    lanes sums[TOGETHER] = {{0}};
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t r = 0; r < TOGETHER; r++) sums[r] += *(const lanes *)(v + i) * *(const lanes *)(rows[r] + i);
    for (size_t r = 0; r < TOGETHER; r++) {
        for (size_t i = whole; i < n; i++) sums[r][i - whole] += v[i] * rows[r][i];
        out[r] = sum_lanes(sums[r]);
    }
}

void mask__dot_rows(const float *v, const float *rows, size_t count, size_t n, float *out)
{
    for (size_t i = 0; i < count; i += TOGETHER) {
        const float *four[TOGETHER];
        float dots[TOGETHER];
        size_t some = count - i < TOGETHER ? count - i : TOGETHER;
        for (size_t r = 0; r < TOGETHER; r++) four[r] = rows + (i + (r < some ? r : 0)) * n;
        dot_four(v, four, n, dots);
        for (size_t r = 0; r < some; r++) out[i + r] = dots[r];
    }
}

float mask__norm(const float *a, size_t n)
{
    return sqrtf(mask__dot(a, a, n));
}

void mask__axpy(float alpha, const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += alpha * x[i];
}

float mask__normalise(float *a, size_t n)
{
    float norm = mask__norm(a, n), scale = norm > 0 ? 1 / norm : 0;
    for (size_t i = 0; i < n; i++) a[i] *= scale;
    return norm;
}

void mask__raise(const float *x, float power, float *y, size_t n)
{
    if (power == 1) {
        for (size_t i = 0; i < n; i++) y[i] = x[i];
    } else if (power == 0.75f) {
        for (size_t i = 0; i < n; i++) {
            float a = fabsf(x[i]), root = sqrtf(a);
            y[i] = copysignf(root * sqrtf(root), x[i]); /* a^1/2 a^1/4 */
        }
    } else if (power == 0.5f) {
        for (size_t i = 0; i < n; i++) y[i] = copysignf(sqrtf(fabsf(x[i])), x[i]);
    } else {
        for (size_t i = 0; i < n; i++) y[i] = copysignf(powf(fabsf(x[i]), power), x[i]);
    }
}

enum { ZERO_BYTE = 128 };

float mask__to_bytes(const float *a, size_t n, uint8_t *codes)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(a[i]));
    float step = largest / 127;
    for (size_t i = 0; i < n; i++) codes[i] = (uint8_t)(ZERO_BYTE + (step > 0 ? lrintf(a[i] / step) : 0));
    return step;
}

void mask__from_bytes(const uint8_t *codes, float step, size_t n, float *a)
{
    for (size_t i = 0; i < n; i++) a[i] = (float)(codes[i] - ZERO_BYTE) * step;
}

bool mask__all_finite(const float *a, size_t n, size_t *where)
{
    float sum = 0;
    /* x - x is 0 for every finite x and NaN otherwise, so one sum tests the whole array. */
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += a[i] - a[i];
    if (sum == 0) return true;
    *where = 0;
    while (*where + 1 < n && isfinite(a[*where])) ++*where;
    return false;
}

/* Whether a comes behind b in the ranking. */
static bool worse(const mask__ranked *a, const mask__ranked *b)
{
    return a->value < b->value || (a->value == b->value && a->index > b->index);
}

MASK__HEAP(sift_down, mask__ranked, worse)

size_t mask__top_k(const float *values, size_t n, size_t k, mask__ranked *out)
{
    if (k > n) k = n;
    if (!k) return 0;
    for (size_t i = 0; i < k; i++) out[i] = (mask__ranked){values[i], (uint32_t)i};
    for (size_t i = k / 2; i-- > 0;) sift_down(out, k, i);
    for (size_t i = k; i < n; i++) {
        if (!(values[i] > out[0].value)) continue; /* a later index never wins a tie */
        out[0] = (mask__ranked){values[i], (uint32_t)i};
        sift_down(out, k, 0);
    }
    for (size_t size = k; size > 1; size--) { /* heap sort: the worst goes last */
        mask__ranked t = out[0];
        out[0] = out[size - 1];
        out[size - 1] = t;
        sift_down(out, size - 1, 0);
    }
    return k;
}
