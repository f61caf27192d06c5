/* The operators: for each the shape it makes of its inputs and, but for convolutions, its work on plain rows. */
#ifndef MASK_VISION_OPERATORS_H
#define MASK_VISION_OPERATORS_H

#include "vision/graph.h"

typedef struct mask__operator {
    size_t least, needed, most; /* inputs; of them the first `needed` must be there */
    /* The result's shape, and what the operator leaves open (padding, negative axes); NULL, or what is wrong. */
    const char *(*infer)(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
    void (*run)(const mask__graph *graph, const mask__graph_op *op, const float *const *inputs, float *out);
} mask__operator;

extern const mask__operator mask__operators[MASK__OP_KINDS];

/* Runs an operator of the graph that is no convolution, and its activation. inputs[i] are the values of its input i,
 * constants too. */
void mask__operator_run(const mask__graph *graph, const mask__graph_op *op, const float *const *inputs, float *out);
/* In place. */
void mask__activate(const mask__graph_op *op, float *values, size_t count);

/* infer of each kind, in shapes.c. */
const char *mask__infer_conv(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_pool(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_matmul(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_reduce(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_broadcast(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_concat(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_reshape(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_transpose(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_slice(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_gather(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_expand(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_pad(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_resize(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
const char *mask__infer_same(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);

#endif
