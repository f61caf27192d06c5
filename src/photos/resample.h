/* A photo in the size a network looks at: bilinear where it grows, averaging where it shrinks. */
#ifndef MASK_PHOTOS_RESAMPLE_H
#define MASK_PHOTOS_RESAMPLE_H

#include "photos/decode.h"

/* Memory that one thread reuses from one picture to the next; {0} is a valid empty one. */
typedef struct mask__resampler {
    float *rows, *weights;
    uint32_t *inputs;
    size_t rows_capacity, weights_capacity, inputs_capacity;
} mask__resampler;

/* The photo stretched to width x height pixels; rows of out lie `stride` bytes apart. */
mask_status mask__resample(mask__resampler *resampler, const mask__photo *photo, size_t width, size_t height,
                           size_t stride, uint8_t *out, mask_error *err);
void mask__resampler_free(mask__resampler *resampler);

#endif
