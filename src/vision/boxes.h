/* Boxes: SSD anchors, decoding, suppression of overlapping ones, pooling of a feature map over a box.
 * Boxes are x1, y1, x2, y2 in [0, 1] of the image. */
#ifndef MASK_VISION_BOXES_H
#define MASK_VISION_BOXES_H

#include "vision/encoder.h"

typedef struct mask__anchor {
    float cy, cx, h, w;
} mask__anchor;

/* Anchors of TensorFlow's SSD MobileNet for a square input: six layers, the first of ceil(size / 16) cells a side, each
 * next half of it; scales 0.2 to 0.95, aspect ratios 1, 2, 1/2, 3, 1/3 and a scale between, three boxes in the first
 * layer. */
size_t mask__anchor_count(size_t size);
void mask__anchors(size_t size, mask__anchor *out);

/* encoded = (cy, cx, h, w) / (10, 10, 5, 5) relative to the anchor; the box is clipped to the image. */
void mask__decode_box(const float encoded[4], const mask__anchor *anchor, float box[4]);
float mask__box_iou(const float a[4], const float b[4]);

/* The best boxes of one image. encoded[anchors x 4], logits[anchors x classes], class 0 is the background and never
 * found. Each anchor stands for its best class, with class_wise for each. Returns how many went to out[max_boxes];
 * SIZE_MAX when memory is short. */
size_t mask__select_boxes(const float *encoded, const float *logits, const mask__anchor *anchors, size_t anchor_count,
                          size_t classes, const mask__detect_options *options, mask__detection *out);

/* out[channels] = mean over the box of the map[h x w x channels], sampled bilinearly at two points or more a cell. */
void mask__roi_pool(const float *map, size_t h, size_t w, size_t channels, const float box[4], float *out);

#endif
