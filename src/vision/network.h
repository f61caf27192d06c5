/* Runs a graph.
 *
 * Opening plans it once: which operators fuse into a convolution (activations, a residual sum, padding), and where in
 * one block of memory each tensor is, reused as tensors die. Images go through one at a time, each
 * on a thread of its own; a single image takes all threads. So an image's result does not depend on its company, and a
 * batch costs no memory. For one caller at a time. */
#ifndef MASK_VISION_NETWORK_H
#define MASK_VISION_NETWORK_H

#include "vision/graph.h"

typedef struct mask__network mask__network;

/* Computes these tensors of the graph, which must live longer. threads > 0. */
mask_status mask__network_open(mask__network **out, const mask__graph *graph, const uint32_t *outputs,
                               size_t output_count, int threads, mask_error *err);
void mask__network_close(mask__network *network);
/* input[count x values of the input], outputs[o][count x values of output o], NHWC. */
mask_status mask__network_run(mask__network *network, const float *input, size_t count, float *const *outputs,
                              mask_error *err);
/* Bytes of the tensors in work, for one thread. */
size_t mask__network_memory(const mask__network *network);

#endif
