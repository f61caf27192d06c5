/* The table of a network's tensors: name, shape, place in one flat buffer. Parameters, gradients and Adam's moments are
 * four buffers of `size` numbers with this one layout, and checkpoints store the tensors under these names. */
#ifndef MASK_NN_PARAMETERS_H
#define MASK_NN_PARAMETERS_H

#include "base/error.h"
#include "nn/real.h"

#include <stdbool.h>

enum { MASK__PARAMETER_NAME = 32 };

typedef struct mask__parameter {
    char name[MASK__PARAMETER_NAME];
    unsigned ndim;   /* 1 or 2 */
    size_t shape[2]; /* shape[1] = 1 for vectors */
    size_t offset;   /* in numbers */
    size_t fan_in;   /* inputs of the layer, for the initial values; 0: `initial` everywhere */
    real initial;
} mask__parameter;

typedef struct mask__parameters {
    mask__parameter *items;
    size_t count, capacity;
    size_t size;    /* numbers in a buffer; the gaps that align tensors stay zero */
    bool failed;    /* memory was short while the table was built */
} mask__parameters; /* {0} is a valid empty table */

/* Appends a tensor and returns its offset. Errors are kept in `failed`, so that a table is written as a list. */
size_t mask__parameters_add(mask__parameters *table, unsigned ndim, size_t rows, size_t columns, size_t fan_in,
                            real initial, const char *format, ...) __attribute__((format(printf, 7, 8)));
/* The next tensor starts on a cache line. */
void mask__parameters_align(mask__parameters *table);
size_t mask__parameter_numbers(const mask__parameter *parameter);
/* PyTorch's defaults for nn.Linear and nn.LayerNorm: uniform in +-1/sqrt(fan_in), or the constant. */
void mask__parameters_initialise(const mask__parameters *table, uint64_t seed, real *values);
void mask__parameters_free(mask__parameters *table);

#endif
