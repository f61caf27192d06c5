/* Reads ONNX models (.onnx) into a graph: the float networks for photos of the model zoos, convolutional ones and
 * transformers, as PyTorch and others export them.
 *
 * A file's pictures may be NCHW or NHWC, its batch is one. Shapes that the file computes are computed here, for the
 * side that is asked for; where a file has them as constants for its own side only, the numbers of a transformer's
 * patches are put right, and its positions interpolated. Refuses by name any other operator than those of the table in
 * onnx_operators.c; control flow; weights in other files. */
#ifndef MASK_VISION_ONNX_H
#define MASK_VISION_ONNX_H

#include "vision/graph.h"

/* path is for messages only. data is not needed afterwards. side = pixels of the square input, 0 = the file's own (224
 * where it leaves that open); with another one reading ends before the first operator that cannot have it (a
 * classifier's head), and there are no outputs. */
mask_status mask__onnx_read(mask__graph *graph, const void *data, size_t size, size_t side, const char *path,
                            mask_error *err);
/* Whether bytes may be an ONNX model, which has no mark of its own: it begins with its version or its maker. */
bool mask__onnx_here(const void *data, size_t size);

#endif
