/* One convolution by oneDNN: weights laid out once, then run by any number of threads at a time.
 *
 * Pictures are plain rows of NHWC, for which oneDNN's kernels are as fast as for its blocks of channels. This is the
 * only file that knows oneDNN's primitives; it is written for their C interface of version 2. */
#ifndef MASK_VISION_CONVOLUTION_H
#define MASK_VISION_CONVOLUTION_H

#include "vision/graph.h"

typedef struct mask__conv mask__conv;

/* x and y are the operator's shapes as 1, h, w, c. add: the result is added to what the destination holds, before the
 * activation. weights as in graph.h; bias may be NULL. Uses as many threads as OpenMP is set to. Takes the weights from
 * `twin` (may be NULL; must live longer) where it has laid them out alike. */
mask_status mask__conv_create(mask__conv **out, const mask__graph_op *op, const size_t x[4], const size_t y[4],
                              bool add, const mask__graph_tensor *weights, const float *bias, const mask__conv *twin,
                              mask_error *err);
void mask__conv_free(mask__conv *conv);
/* Whether a convolution can end with this activation. */
bool mask__conv_activates(mask__activation activation);
/* Values of working memory that a run needs. oneDNN's own would be shared by the threads that run one convolution. */
size_t mask__conv_scratch(const mask__conv *conv);
mask_status mask__conv_run(const mask__conv *conv, const float *from, float *to, float *scratch, mask_error *err);

#endif
