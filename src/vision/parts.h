/* Which tensors of a network matter to us: the feature map, and of an SSD detector the boxes and scores. */
#ifndef MASK_VISION_PARTS_H
#define MASK_VISION_PARTS_H

#include "vision/model.h"

/* features is a name for mask__graph_find or NULL: the tokens of a transformer, or of the square maps with most
 * channels and more than one cell the last. */
mask_status mask__parts_find(const mask__graph *graph, const char *features, uint32_t *map, mask_error *err);
/* The boxes and scores of a detector, MASK__NO_TENSOR in other networks. */
void mask__parts_detector(const mask__graph *graph, uint32_t *boxes, uint32_t *scores);
/* The input is a square RGB image, maps and boxes have shapes that can be used, which are filled in, and there are as
 * many labels as a detector's scores have classes. */
mask_status mask__parts_check(mask__model_network *network, size_t label_count, mask_error *err);

#endif
