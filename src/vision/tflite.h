/* Reads TensorFlow Lite models (.tflite) into a graph.
 *
 * Accepts float networks of the operators of graph.h, with weights in float32, float16 or 8-bit integers by scale and
 * zero point, all turned into float32 here. Refuses by name: any other operator, activations in integers (a fully
 * quantised model), several subgraphs, control flow. */
#ifndef MASK_VISION_TFLITE_H
#define MASK_VISION_TFLITE_H

#include "vision/graph.h"

/* path is for messages only. data is not needed afterwards. On success mask__graph_check has passed. */
mask_status mask__tflite_read(mask__graph *graph, const void *data, size_t size, const char *path, mask_error *err);
/* Whether bytes begin like a TFLite file. */
bool mask__tflite_here(const void *data, size_t size);

#endif
