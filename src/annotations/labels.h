/* Inside of mask_labels for the rooms above. */
#ifndef MASK_ANNOTATIONS_LABELS_H
#define MASK_ANNOTATIONS_LABELS_H

#include "base/error.h"

#include <stdbool.h>

/* Regions [first, first + count): as mask__images_block, but refuses NaN and infinity itself, naming row and byte. */
mask_status mask__labels_block(const mask_labels *labels, size_t first, size_t count, float *buffer,
                               const float **features, mask_error *err);
/* The image (0..images-1, regions are sorted by it) a region belongs to. */
size_t mask__labels_image(const mask_labels *labels, size_t region);
/* The first region of an image; of the image after the last: the number of regions. */
size_t mask__labels_start(const mask_labels *labels, size_t image);
/* Name of an image as regions.tsv gives it, and the box x1, y1, x2, y2 of a region. */
const char *mask__labels_image_name(const mask_labels *labels, size_t image);
const float *mask__labels_box(const mask_labels *labels, size_t region);
/* Whether no region carries a label (mask_labels_bare). */
bool mask__labels_bare(const mask_labels *labels);
const char *mask__labels_path(const mask_labels *labels);
/* Labels that show images [first, first + count) only; `labels` must outlive it. Close with mask_labels_close. */
mask_status mask__labels_view(mask_labels **out, const mask_labels *labels, size_t first, size_t count,
                              mask_error *err);

#endif
