#include "vision/encoder.h"
#include "vision/boxes.h"
#include "vision/model.h"
#include "vision/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16, CHANNELS = 3 }; /* photos whose floats are held at once; of a pixel */

/* A tensor that a network gives, for all photos of the last run. */
typedef struct output {
    size_t count; /* values a photo */
    float *values;
    size_t room; /* photos */
} output;

enum { MAP, BOXES, SCORES, OUTPUTS };

struct mask__encoder {
    mask__model model;
    mask_run run;
    mask__network *network;
    output outputs[OUTPUTS];
    size_t output_count, photos;
    mask__anchor *anchors;
    size_t anchor_count, classes;
};

static const mask__graph_tensor *map_tensor(const mask__encoder *e)
{
    return &e->model.graph.tensors[e->model.features];
}

static mask_status make_anchors(mask__encoder *e, mask_error *err)
{
    e->anchor_count = mask__anchor_count(e->model.size);
    e->classes = e->model.graph.tensors[e->model.scores].count / e->anchor_count;
    e->anchors = calloc(e->anchor_count, sizeof *e->anchors);
    if (!e->anchors) return mask__no_memory(err, e->model.path);
    mask__anchors(e->model.size, e->anchors);
    return MASK_OK;
}

static mask_status open_encoder(mask__encoder *e, const char *path, size_t side, mask_error *err)
{
    MASK__TRY(mask__model_open(&e->model, path, err));
    if (side != 0 && side != e->model.size)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "%s: looks at squares of %zu pixels, not %zu", path,
                          e->model.size, side);
    const uint32_t outputs[OUTPUTS] = {e->model.features, e->model.boxes, e->model.scores};
    if (e->model.kind == MASK__DETECTOR) MASK__TRY(make_anchors(e, err));
    e->output_count = e->anchors ? OUTPUTS : 1;
    for (size_t o = 0; o < e->output_count; o++) e->outputs[o].count = e->model.graph.tensors[outputs[o]].count;
    return mask__network_open(&e->network, &e->model.graph, outputs, e->output_count, mask__threads(&e->run), NULL,
                              err);
}

mask_status mask__encoder_open(mask__encoder **out, const char *path, size_t side, const mask_run *run, mask_error *err)
{
    mask__encoder *e = calloc(1, sizeof *e);
    *out = NULL;
    if (!e) return mask__no_memory(err, path);
    if (run) e->run = *run;
    mask_status status = open_encoder(e, path, side, err);
    if (status == MASK_OK) *out = e;
    else mask__encoder_close(e);
    return status;
}

void mask__encoder_close(mask__encoder *e)
{
    if (!e) return;
    mask__network_close(e->network);
    mask__model_close(&e->model);
    for (size_t o = 0; o < OUTPUTS; o++) free(e->outputs[o].values);
    free(e->anchors);
    free(e);
}

size_t mask__encoder_networks(const mask__encoder *e)
{
    (void)e;
    return 1;
}

mask__encoder_input mask__encoder_input_of(const mask__encoder *e, size_t network)
{
    (void)network;
    return (mask__encoder_input){e->model.size, e->model.size, e->model.size, 1};
}

size_t mask__encoder_maps(const mask__encoder *e)
{
    (void)e;
    return 1;
}

mask__encoder_map mask__encoder_map_of(const mask__encoder *e, size_t map)
{
    const size_t *shape = map_tensor(e)->shape;
    (void)map;
    return (mask__encoder_map){.rows = shape[1], .columns = shape[2], .channels = shape[3]};
}

size_t mask__encoder_channels(const mask__encoder *e)
{
    return map_tensor(e)->shape[3];
}

bool mask__encoder_finds_boxes(const mask__encoder *e)
{
    return e->anchors != NULL;
}

size_t mask__encoder_labels(const mask__encoder *e)
{
    return e->model.label_count;
}

const char *mask__encoder_label(const mask__encoder *e, size_t label)
{
    return e->model.labels[label];
}

static void normalise(const mask__model *m, const uint8_t *rgb, size_t pixels, float *out)
{
    const float *scale = m->scale, *offset = m->offset;
#pragma omp parallel for
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < CHANNELS; c++)
            out[CHANNELS * i + c] = (float)rgb[CHANNELS * i + c] * scale[c] + offset[c];
}

static mask_status run_chunks(mask__encoder *e, const uint8_t *rgb, size_t count, float *input, mask_error *err)
{
    size_t pixels = e->model.size * e->model.size;
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t photos = count - first < CHUNK ? count - first : CHUNK;
        float *to[OUTPUTS];
        for (size_t o = 0; o < e->output_count; o++) to[o] = e->outputs[o].values + first * e->outputs[o].count;
        normalise(&e->model, rgb + first * CHANNELS * pixels, photos * pixels, input);
        MASK__TRY(mask__network_run(e->network, input, photos, to, err));
    }
    return MASK_OK;
}

mask_status mask__encoder_run(mask__encoder *e, const uint8_t *const *rgb, size_t count, mask_error *err)
{
    MASK__USE_THREADS(mask__threads(&e->run));
    e->photos = 0;
    if (count == 0) return MASK_OK;
    for (size_t o = 0; o < e->output_count; o++)
        if (!mask__grow(&e->outputs[o].values, &e->outputs[o].room, count, e->outputs[o].count * sizeof(float)))
            return mask__no_memory(err, e->model.path);
    size_t most = count < CHUNK ? count : CHUNK;
    float *input = malloc(most * CHANNELS * e->model.size * e->model.size * sizeof *input);
    if (!input) return mask__no_memory(err, e->model.path);
    mask_status status = run_chunks(e, rgb[0], count, input, err);
    free(input);
    if (status == MASK_OK) e->photos = count;
    return status;
}

static const float *output_of(const mask__encoder *e, size_t image, size_t o)
{
    assert(image < e->photos);
    return e->outputs[o].values + image * e->outputs[o].count;
}

const float *mask__encoder_values(const mask__encoder *e, size_t image, size_t map)
{
    return output_of(e, image, MAP + map);
}

const float *mask__encoder_whole(const mask__encoder *e, size_t image, size_t map)
{
    (void)e, (void)image, (void)map;
    return NULL;
}

void mask__encoder_pool(const mask__encoder *e, size_t image, const float *boxes, size_t n, float *features)
{
    mask__encoder_map map = mask__encoder_map_of(e, 0);
    const float *values = output_of(e, image, MAP);
    for (size_t i = 0; i < n; i++)
        mask__roi_pool(values, map.rows, map.columns, map.channels, boxes + 4 * i, features + i * map.channels);
}

mask_status mask__encoder_detect(const mask__encoder *e, size_t image, const mask__detect_options *options,
                                 mask__detection *boxes, size_t *found, mask_error *err)
{
    *found = 0;
    if (!e->anchors) return MASK_OK;
    size_t count = mask__select_boxes(output_of(e, image, BOXES), output_of(e, image, SCORES), e->anchors,
                                      e->anchor_count, e->classes, options, boxes);
    if (count == SIZE_MAX) return mask__no_memory(err, e->model.path);
    *found = count;
    return MASK_OK;
}
