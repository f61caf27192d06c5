/* The kernels of a scan: sums over 8-bit columns, dot products of 8-bit vectors, with what their results may be off by.
 */
#ifndef MASK_SEARCH_SCAN_H
#define MASK_SEARCH_SCAN_H

#include "gallery/segment.h"

/* Half a unit in the last place of a float: what one operation may be off by, relatively. */
#define MASK__ROUNDING 6e-8
/* Cosines of stored vectors: each is of unit length within 2^-11, as float16 are, and rounding. */
#define MASK__MOST_COSINE 1.001f

/* A block of a column: MASK__BLOCK codes, each times `factor`. */
typedef struct mask__scan_column {
    const uint8_t *codes;
    double factor;
} mask__scan_column;
enum { MASK__SCAN_COLUMNS = 64 };

/* sums[i] += sum over at most MASK__SCAN_COLUMNS columns of factor codes[i], in integers: factors are rounded to 16
 * bits of the largest. What that may be off by is returned; the last addition is float's. */
double mask__scan_add(const mask__scan_column *columns, size_t count, float *sums);

/* A vector in 16 bits beside which 8-bit vectors are summed in integers, exactly. */
typedef struct mask__scan_vector {
    size_t z;
    const int16_t *codes; /* Z */
    double step;          /* of the codes */
    double one_norm;      /* sum |v_d| */
} mask__scan_vector;

/* From a vector of at most unit length; `codes` (Z) is the caller's and is kept. */
mask__scan_vector mask__scan_vector_of(const float *vector, size_t z, int16_t *codes);
/* Cosines of `count` 8-bit vectors (count x Z, with their steps) with v: dots[i] and errors[i], |dots[i] - x_i . v| <=
 * errors[i] where x_i . v is computed in float in any order. */
void mask__scan_dots(const mask__scan_vector *v, const int8_t *codes, const float *steps, size_t count, float *dots,
                     float *errors);

#endif
