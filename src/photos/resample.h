/* A part of a photo as the square a network looks at: bilinear where it grows, averaging where it shrinks. */
#ifndef MASK_PHOTOS_RESAMPLE_H
#define MASK_PHOTOS_RESAMPLE_H

#include "photos/decode.h"

/* Memory that one thread reuses from one picture to the next; {0} is a valid empty one. */
typedef struct mask__resampler {
    float *rows, *weights;
    uint32_t *inputs;
    size_t rows_capacity, weights_capacity, inputs_capacity;
} mask__resampler;

/* The box x1, y1, x2, y2 (each in [0, 1] of the photo, x1 < x2, y1 < y2) stretched to side x side x 3 bytes. */
mask_status mask__resample(mask__resampler *resampler, const mask__photo *photo, const float box[4], size_t side,
                           uint8_t *out, mask_error *err);
void mask__resampler_free(mask__resampler *resampler);

#endif
