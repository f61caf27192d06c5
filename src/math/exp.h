/* e^x for loops that should vectorise. */
#ifndef MASK_MATH_EXP_H
#define MASK_MATH_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* e^x to 2 units in the last place, without a table or a branch, so that loops over it vectorise (libm's do not).
 * x = k ln 2 + r: a polynomial for e^r, k added to the exponent. Saturates beyond +-87; NaN stays NaN. */
static inline float mask__expf(float x)
{
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    float k = nearbyintf(x * 1.44269504f), r = x - k * 0.693145752f - k * 1.42860677e-6f;
    float p = 1.38887820e-3f;
    p = p * r + 8.33333377e-3f;
    p = p * r + 4.16664146e-2f;
    p = p * r + 1.66666657e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    k = k > -127.0f ? k : -127.0f; /* NaN has no integer; p is NaN, too */
    uint32_t bits = (uint32_t)((int32_t)k + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

#endif
