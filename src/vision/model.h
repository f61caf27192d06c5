/* The .menc file: networks for photos with all that is needed to use them (docs/encoders.md).
 *
 * For each network it holds the model file, how bytes become its input, which tensors matter and at which sides it may
 * run; for all of them labels and provenance. Import reads a network once, so that a .menc that exists can be used. */
#ifndef MASK_VISION_MODEL_H
#define MASK_VISION_MODEL_H

#include "base/pack.h"
#include "vision/encoder.h"
#include "vision/graph.h"

#define MASK__MODEL_MAGIC "MASKMENC"
enum { MASK__MODEL_VERSION = 2, MASK__MOST_NETWORKS = 8, MASK__MOST_MAPS = 4 };

/* A tensor that features are taken from: a picture (1, rows, columns, channels), or a transformer's tokens
 * (1, before + rows x columns, channels), of which the first stands for the whole photo. */
typedef struct mask__model_map {
    uint32_t tensor;
    float scale; /* of its values in a feature */
    size_t before, rows, columns, channels;
} mask__model_map;

typedef struct mask__model_network {
    const unsigned char *data; /* the model file */
    size_t bytes;
    mask__encoder_input input; /* side = what its graph was built for */
    float scale[3], offset[3]; /* input = byte * scale + offset, by channel */
    mask__graph graph;
    mask__model_map maps[MASK__MOST_MAPS];
    size_t map_count;
    uint32_t boxes, scores; /* tensors of a detector; MASK__NO_TENSOR otherwise */
} mask__model_network;

typedef struct mask__model {
    mask__pack pack;
    mask__arena arena;
    char *path;
    mask__model_network networks[MASK__MOST_NETWORKS];
    size_t network_count;
    const char **labels;
    size_t label_count;
    const char *provenance;
} mask__model;

/* For squares of `side` pixels, 0 = of each network's own. MASK_EINVAL where a network cannot have that side. */
mask_status mask__model_open(mask__model *model, const char *path, size_t side, mask_error *err);
void mask__model_close(mask__model *model);

/* A model file of either format. scale and zero as in tflite.h. */
mask_status mask__network_read(mask__graph *graph, const void *data, size_t size, size_t side, const char *path,
                               float *scale, float *zero, mask_error *err);

#endif
