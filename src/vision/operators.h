/* Everything a network does besides convolutions, on plain rows of NHWC: a small share of its time. */
#ifndef MASK_VISION_OPERATORS_H
#define MASK_VISION_OPERATORS_H

#include "vision/graph.h"

/* Runs an operator of the graph that is neither a convolution nor MASK__OP_RESHAPE. inputs[i] are the values of its
 * input i, constants too. */
void mask__operator_run(const mask__graph *graph, const mask__graph_op *op, const float *const *inputs, float *out);
/* out = a + b or a * b and the activation, for count values in any layout that both share. */
void mask__operator_pair(mask__op_kind kind, mask__activation activation, const float *a, const float *b, float *out,
                         size_t count);
/* In place. */
void mask__activate(mask__activation activation, float *values, size_t count);

#endif
