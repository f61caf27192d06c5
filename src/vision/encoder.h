/* Photos to feature maps: a .menc file (docs/encoders.md) opened for use.
 *
 * An encoder is one network or several side by side; each looks at the photo as a square of its own side and gives one
 * feature map or several. The feature of a part of the photo is the mean of each map there, one behind the other. A
 * detector's network also finds boxes. Pixels are the caller's business: a photo comes as RGB bytes, stretched to the
 * square (boxes are relative, so they hold for the photo too). An encoder keeps the maps of its last photos, so it is
 * for one thread at a time; it uses run->threads itself. */
#ifndef MASK_VISION_ENCODER_H
#define MASK_VISION_ENCODER_H

#include "base/error.h"

#include <stdbool.h>

typedef struct mask__encoder mask__encoder;

/* A square that a network looks at: side pixels; others from least to most, a multiple of step, are possible too. */
typedef struct mask__encoder_input {
    size_t side, least, most, step;
} mask__encoder_input;

typedef struct mask__encoder_map {
    size_t network; /* that makes it */
    size_t rows, columns, channels;
    size_t first; /* of its channels in a feature */
} mask__encoder_map;

typedef struct mask__detection {
    float box[4]; /* x1, y1, x2, y2, each in [0, 1] of the image */
    float score;  /* sigmoid of the class logit */
    size_t label; /* for mask__encoder_label */
} mask__detection;

typedef struct mask__detect_options {
    size_t max_boxes; /* best by score */
    float min_score;
    float iou;       /* of two boxes that overlap more the better one stays */
    bool class_wise; /* only boxes of the same class suppress each other */
} mask__detect_options;
#define MASK__DETECT_DEFAULTS                                                                                          \
    ((mask__detect_options){.max_boxes = 36, .min_score = 0, .iou = 0.5f, .class_wise = false})

/* Opens a .menc, planned for squares of `side` pixels in all its networks; 0 = each for the side the file names.
 * MASK_EINVAL where a network cannot have that side. run (threads) may be NULL. */
mask_status mask__encoder_open(mask__encoder **out, const char *path, size_t side, const mask_run *run,
                               mask_error *err);
void mask__encoder_close(mask__encoder *encoder);

/* What does not change while it is open. */
typedef struct mask__encoder_facts {
    size_t network_count, map_count, label_count;
    const mask__encoder_input *inputs; /* of the networks */
    const mask__encoder_map *maps;
    const char *const *labels;
    size_t channels; /* C: length of a feature, all maps together */
    bool finds_boxes;
} mask__encoder_facts;
const mask__encoder_facts *mask__encoder_facts_of(const mask__encoder *encoder);

/* Runs all networks on count photos; rgb[network] holds them as count x side x side x 3 bytes for that network. What it
 * finds is kept for the functions below. Memory grows with count: a few dozen at a time. A photo's result does not
 * depend on the others or on the number of threads. */
mask_status mask__encoder_run(mask__encoder *encoder, const uint8_t *const *rgb, size_t count, mask_error *err);
/* rows x columns x channels of a map, row by row, of photo `image` of the last run. */
const float *mask__encoder_values(const mask__encoder *encoder, size_t image, size_t map);
/* channels that stand for the whole photo in that map (a transformer's class token), or NULL: then its mean does. */
const float *mask__encoder_whole(const mask__encoder *encoder, size_t image, size_t map);
/* Features of n boxes[n x 4] (x1, y1, x2, y2 in [0, 1]) into features[n x C]: the means of bilinear samples of the
 * maps. The box 0 0 1 1 is the whole photo. */
void mask__encoder_pool(const mask__encoder *encoder, size_t image, const float *boxes, size_t n, float *features);
/* The boxes of one photo, best first, into boxes[options->max_boxes]; an encoder that finds none finds 0. */
mask_status mask__encoder_detect(const mask__encoder *encoder, size_t image, const mask__detect_options *options,
                                 mask__detection *boxes, size_t *found, mask_error *err);

#endif
