/* Small float kernels that every room uses: dot, norm, unit rows, top-k, softmax. */
#ifndef MASK_MATH_VECTOR_H
#define MASK_MATH_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

float mask__dot(const float *a, const float *b, size_t n);
/* out[i] = v . row i of rows (count x n). A row's result has the same bits whatever other rows are asked with it. */
void mask__dot_rows(const float *v, const float *rows, size_t count, size_t n, float *out);
float mask__norm(const float *a, size_t n);
/* y += alpha x */
void mask__axpy(float alpha, const float *x, float *y, size_t n);
/* Scales a to unit length; a zero vector stays zero. Returns the norm it had. */
float mask__normalise(float *a, size_t n);
/* y = sign(x) |x|^power; 1, 0.75 and 0.5 are fast. x may be y. */
void mask__raise(const float *x, float power, float *y, size_t n);
/* a in bytes, whole steps of its largest value / 127: codes (n), and the step, which is 0 for a zero vector. */
float mask__to_bytes(const float *a, size_t n, uint8_t *codes);
/* a[i] = (code - 128) step */
void mask__from_bytes(const uint8_t *codes, float step, size_t n, float *a);
/* False when any value is NaN or infinite; *where is then its index. */
bool mask__all_finite(const float *a, size_t n, size_t *where);

typedef struct mask__ranked {
    float value;
    uint32_t index;
} mask__ranked;

/* The k largest of n values, best first; ties by the lower index. Returns min(k, n). */
size_t mask__top_k(const float *values, size_t n, size_t k, mask__ranked *out);

#endif
