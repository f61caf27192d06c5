/* IEEE float16 to and from float32, whole arrays. NaN and infinity survive; overflow becomes infinity. */
#ifndef MASK_MATH_HALF_H
#define MASK_MATH_HALF_H

#include <stddef.h>
#include <stdint.h>

float mask__half(uint16_t half);
void mask__half_to_float(const uint16_t *from, float *to, size_t count);
void mask__round_to_half(float *values, size_t count); /* to the nearest float16 */
void mask__float_to_half(const float *from, uint16_t *to, size_t count);

#endif
