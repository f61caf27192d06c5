/* Photos to boxes and region features: a .menc file (docs/encoders.md) opened for use.
 *
 * A detector finds boxes; its feature map gives the features of any box. A classifier has a feature map only: it finds
 * no boxes, and its features come from crops or from boxes the caller makes up. Pixels are the caller's business: every
 * image comes as size x size RGB bytes, stretched to the square (boxes are relative, so they hold for the photo too).
 * A detector keeps the feature maps of its last images, so it is for one thread at a time; it uses run->threads itself.
 */
#ifndef MASK_VISION_DETECTOR_H
#define MASK_VISION_DETECTOR_H

#include "base/error.h"

#include <stdbool.h>

typedef struct mask__detector mask__detector;

typedef struct mask__detection {
    float box[4]; /* x1, y1, x2, y2, each in [0, 1] of the image */
    float score;  /* sigmoid of the class logit */
    size_t label; /* for mask__detector_label */
} mask__detection;

typedef struct mask__detect_options {
    size_t max_boxes; /* best by score */
    float min_score;
    float iou;       /* of two boxes that overlap more the better one stays */
    bool class_wise; /* only boxes of the same class suppress each other */
} mask__detect_options;
#define MASK__DETECT_DEFAULTS                                                                                          \
    ((mask__detect_options){.max_boxes = 36, .min_score = 0, .iou = 0.5f, .class_wise = false})

/* Opens a .menc. run (threads) may be NULL. */
mask_status mask__detector_open(mask__detector **out, const char *path, const mask_run *run, mask_error *err);
void mask__detector_close(mask__detector *detector);

size_t mask__detector_size(const mask__detector *detector);     /* S: images are S x S x 3 bytes */
size_t mask__detector_channels(const mask__detector *detector); /* C: length of a feature */
bool mask__detector_finds_boxes(const mask__detector *detector);
size_t mask__detector_labels(const mask__detector *detector);
const char *mask__detector_label(const mask__detector *detector, size_t label); /* owned by detector */

/* rgb[count x S x S x 3]. boxes[count x max_boxes], best first; found[count]. Keeps the feature maps of these count
 * images for mask__detector_pool. A classifier finds none. Memory grows with count: a few dozen at a time. */
mask_status mask__detector_detect(mask__detector *detector, const uint8_t *rgb, size_t count,
                                  const mask__detect_options *options, mask__detection *boxes, size_t *found,
                                  mask_error *err);
/* Features of n boxes[n x 4] (x1, y1, x2, y2 in [0, 1]) of image `image` of the last detect into features[n x C]: the
 * mean of bilinear samples of its feature map. The box 0 0 1 1 is the whole image. */
void mask__detector_pool(const mask__detector *detector, size_t image, const float *boxes, size_t n, float *features);
/* Features of crops, each resized to S x S: the mean of its own feature map. features[count x C]. Sharper than
 * mask__detector_pool, and a whole run of the network a crop. The maps for mask__detector_pool stay as they are. */
mask_status mask__detector_crop_features(mask__detector *detector, const uint8_t *rgb, size_t count, float *features,
                                         mask_error *err);

#endif
