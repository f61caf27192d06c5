#include "math/half.h"

#include <string.h>

/* _Float16 conversions compile to F16C/AVX-512 where the target has them and to soft-float calls elsewhere. */
void mask__half_to_float(const uint16_t *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        _Float16 half;
        memcpy(&half, from + i, sizeof half);
        to[i] = (float)half;
    }
}

void mask__float_to_half(const float *from, uint16_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        _Float16 half = (_Float16)from[i];
        memcpy(to + i, &half, sizeof half);
    }
}
