/* Smaller weights for an ONNX file, which stays one that any other program reads. */
#ifndef MASK_VISION_ONNX_WEIGHTS_H
#define MASK_VISION_ONNX_WEIGHTS_H

#include "base/error.h"

/* The model with large float weights as float16 (and a Cast), or as 8-bit integers with a scale for each output channel
 * (and a DequantizeLinear). *out is freed by the caller. */
mask_status mask__onnx_shrink(const void *data, size_t size, mask_encoder_weights weights, const char *path,
                              unsigned char **out, size_t *out_size, mask_error *err);

#endif
