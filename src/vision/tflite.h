/* Reads TensorFlow Lite models (.tflite) into a graph.
 *
 * Weights may be float32, float16 or integers by scale and zero point; all become float32 here. A network that computes
 * in integers is read as one of real numbers, each result kept within what its integers can hold. The post-processing
 * of detectors is cut off: what goes into it are the outputs. Refuses by name any other operator than those of the
 * table, several subgraphs, control flow. */
#ifndef MASK_VISION_TFLITE_H
#define MASK_VISION_TFLITE_H

#include "vision/graph.h"

/* path is for messages only. data is not needed afterwards. side = pixels of the square input, 0 = the file's own; with
 * another one reading ends before the first operator that cannot have it (a classifier's head), and there are no
 * outputs. Tensor t of the file is tensor t of the graph. An integer input's real value is (byte - *zero) * *scale;
 * *scale is 0 for other inputs. */
mask_status mask__tflite_read(mask__graph *graph, const void *data, size_t size, size_t side, const char *path,
                              float *scale, float *zero, mask_error *err);
/* Whether bytes begin like a TFLite file. */
bool mask__tflite_here(const void *data, size_t size);

#endif
