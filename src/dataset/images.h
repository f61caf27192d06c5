/* Inside of mask_images for the rooms above: blocks of region features without a copy where the file allows it. */
#ifndef MASK_DATASET_IMAGES_H
#define MASK_DATASET_IMAGES_H

#include "base/error.h"

/* The rows of images [first, first + count), stacked: *rows = their number (the sum of mask_images_regions).
 * Returns in *features either a pointer into the mapped file (float32, contiguous) or buffer, filled with converted
 * values; buffer must hold rows x dim floats. Does not look for NaN: see mask__images_refuse. Converts with OpenMP's
 * threads, so with one when called inside a parallel region. */
mask_status mask__images_block(const mask_images *images, size_t first, size_t count, float *buffer,
                               const float **features, size_t *rows, mask_error *err);
/* All rows of the set: the sum of mask_images_regions over all images. */
size_t mask__images_rows(const mask_images *images);
/* For a caller that met NaN or infinity in this image's features: the error that names the file, image, region and
 * byte of the first value that is not finite. MASK_OK when all are finite after all. */
mask_status mask__images_refuse(const mask_images *images, size_t image, mask_error *err);
/* The file of its features, for messages. */
const char *mask__images_path(const mask_images *images);

/* For mask_dataset_open, which knows the number of captions: as mask_images_open, but every stored row is an image. */
mask_status mask__images_open_rows(mask_images **out, const char *path, const char *split, mask_error *err);
/* Keeps rows 0, 5, 10, ... of a set stored five times; its count must divide by 5. */
void mask__images_keep_every_fifth(mask_images *images);
void mask__images_keep_first(mask_images *images, size_t count);

#endif
