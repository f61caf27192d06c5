#include "gallery/stored.h"
#include "math/half.h"

#include <math.h>
#include <string.h>

mask__dtype mask__store_type(mask_store store)
{
    return store == MASK_STORE_INT8 ? MASK__U8 : store == MASK_STORE_HALF ? MASK__F16 : MASK__F32;
}

size_t mask__stored_width(mask__dtype type, size_t z)
{
    return z + (type == MASK__U8 ? sizeof(float) : 0);
}

size_t mask__stored_bytes(mask__dtype type, size_t z)
{
    return mask__stored_width(type, z) * (type == MASK__U8 ? 1 : type == MASK__F16 ? 2 : sizeof(float));
}

static float step_of(const float *row, size_t z)
{
    float largest = 0;
    for (size_t d = 0; d < z; d++) largest = fabsf(row[d]) > largest ? fabsf(row[d]) : largest;
    return largest / 127;
}

float mask__signed_codes(const float *row, size_t z, int8_t *codes)
{
    float step = step_of(row, z);
    for (size_t d = 0; d < z; d++) codes[d] = (int8_t)(step > 0 ? rintf(row[d] / step) : 0);
    return step;
}

/* Sums of squares of codes are whole numbers below 2^53: the same in any order. */
static float unit_step(double squares)
{
    return squares > 0 ? (float)(1 / sqrt(squares)) : 0;
}

void mask__stored_read(mask__dtype type, const void *from, size_t rows, size_t z, float *to)
{
    if (type == MASK__F32) memcpy(to, from, rows * z * sizeof *to);
    else if (type == MASK__F16) mask__half_to_float(from, to, rows * z);
    else {
        const int8_t *codes = from;
        float step;
        for (size_t r = 0; r < rows; r++, codes += mask__stored_bytes(type, z)) {
            memcpy(&step, codes + z, sizeof step);
            for (size_t d = 0; d < z; d++) to[r * z + d] = step * (float)codes[d];
        }
    }
}

/* Of a row that mask__stored_round made, the codes and the step are the same again. */
void mask__stored_write(mask__dtype type, const float *rows, size_t count, size_t z, void *to)
{
    if (type == MASK__F32) memcpy(to, rows, count * z * sizeof *rows);
    else if (type == MASK__F16) mask__float_to_half(rows, to, count * z);
    else {
        int8_t *codes = to;
        for (size_t r = 0; r < count; r++, codes += mask__stored_bytes(type, z)) {
            double squares = 0;
            mask__signed_codes(rows + r * z, z, codes);
            for (size_t d = 0; d < z; d++) squares += codes[d] * codes[d];
            memcpy(codes + z, &(float){unit_step(squares)}, sizeof(float));
        }
    }
}

void mask__stored_round(mask__dtype type, float *rows, size_t count, size_t z)
{
    if (type == MASK__F16) mask__round_to_half(rows, count * z);
    for (size_t r = 0; type == MASK__U8 && r < count; r++) {
        float *row = rows + r * z, step = step_of(row, z);
        double squares = 0;
        for (size_t d = 0; d < z; d++) {
            row[d] = step > 0 ? rintf(row[d] / step) : 0;
            squares += (double)(row[d] * row[d]);
        }
        step = unit_step(squares);
        for (size_t d = 0; d < z; d++) row[d] *= step;
    }
}
