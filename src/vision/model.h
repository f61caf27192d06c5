/* The .menc file: a network for photos with all that is needed to use it (docs/encoders.md).
 *
 * It holds the model file as it was imported, what kind it is, how bytes become its input, which tensors matter, labels
 * and provenance. Import reads the network once, so that a .menc that exists can be used. */
#ifndef MASK_VISION_MODEL_H
#define MASK_VISION_MODEL_H

#include "base/pack.h"
#include "vision/graph.h"

#define MASK__MODEL_MAGIC "MASKMENC"
enum { MASK__MODEL_VERSION = 1 };

typedef enum mask__model_kind { MASK__CLASSIFIER, MASK__DETECTOR } mask__model_kind;

typedef struct mask__model {
    mask__pack pack;
    mask__arena arena;
    char *path;
    mask__model_kind kind;
    size_t size;               /* of the square input */
    float scale[3], offset[3]; /* input = byte * scale + offset, by channel */
    mask__graph graph;
    uint32_t features, boxes, scores; /* tensors; boxes and scores of detectors only */
    const char **labels;
    size_t label_count;
    const char *provenance;
} mask__model;

mask_status mask__model_open(mask__model *model, const char *path, mask_error *err);
void mask__model_close(mask__model *model);

#endif
