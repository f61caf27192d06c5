/* The operators: for each the shape it makes of its inputs and, but for convolutions, its work on plain rows. */
#ifndef MASK_VISION_OPERATORS_H
#define MASK_VISION_OPERATORS_H

#include "vision/graph.h"

/* Whether an operator may have that many inputs, and which of them must be there: the first `needed`. */
bool mask__operator_takes(mask__op_kind kind, size_t inputs, size_t *needed);
/* The result's shape, and what the operator leaves open (padding, negative axes); NULL, or what is wrong. */
const char *mask__operator_infer(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
/* Runs an operator of the graph that is no convolution, and its activation. inputs[i] are the values of its input i,
 * constants too. */
void mask__operator_run(const mask__graph *graph, const mask__graph_op *op, const float *const *inputs, float *out);
/* In place. */
void mask__activate(const mask__graph_op *op, float *values, size_t count);

#endif
