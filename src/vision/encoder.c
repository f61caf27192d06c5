#include "vision/encoder.h"
#include "vision/boxes.h"
#include "vision/model.h"
#include "vision/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16, CHANNELS = 3 };      /* photos whose floats are held at once; of a pixel */
enum { OUTPUTS = MASK__MOST_MAPS + 2 }; /* of a network: its maps, boxes and scores */

/* A tensor that a network gives, for all photos of the last run. */
typedef struct output {
    size_t count; /* values a photo */
    float *values;
    size_t room; /* photos */
} output;

typedef struct runner {
    mask__network *network;
    output outputs[OUTPUTS];
    size_t output_count;
} runner;

struct mask__encoder {
    mask__model model;
    mask_run run;
    runner runners[MASK__MOST_NETWORKS];
    mask__encoder_facts facts; /* of the next two, and the model */
    mask__encoder_input inputs[MASK__MOST_NETWORKS];
    mask__encoder_map maps[MASK__MOST_NETWORKS * MASK__MOST_MAPS];
    size_t number_in_network[MASK__MOST_NETWORKS * MASK__MOST_MAPS];
    size_t photos;
    mask__anchor *anchors; /* of the first network, where it is a detector */
    size_t anchor_count, classes;
};

static mask_status open_network(mask__encoder *e, size_t k, mask_error *err)
{
    const mask__model_network *n = &e->model.networks[k];
    runner *r = &e->runners[k];
    mask__encoder_facts *f = &e->facts;
    uint32_t tensors[OUTPUTS];
    e->inputs[k] = n->input;
    for (size_t m = 0; m < n->map_count; m++) {
        const mask__model_map *map = &n->maps[m];
        e->number_in_network[f->map_count] = m;
        e->maps[f->map_count++] = (mask__encoder_map){k, map->rows, map->columns, map->channels, f->channels};
        f->channels += map->channels;
        tensors[r->output_count++] = map->tensor;
    }
    if (k == 0 && n->boxes != MASK__NO_TENSOR) {
        e->anchor_count = mask__anchor_count(n->input.side);
        e->classes = n->graph.tensors[n->scores].count / e->anchor_count;
        e->anchors = calloc(e->anchor_count, sizeof *e->anchors);
        if (!e->anchors) return mask__no_memory(err, e->model.path);
        mask__anchors(n->input.side, e->anchors);
        tensors[r->output_count++] = n->boxes;
        tensors[r->output_count++] = n->scores;
    }
    for (size_t o = 0; o < r->output_count; o++) r->outputs[o].count = n->graph.tensors[tensors[o]].count;
    return mask__network_open(&r->network, &n->graph, tensors, r->output_count, mask__threads(&e->run), err);
}

mask_status mask__encoder_open(mask__encoder **out, const char *path, size_t side, const mask_run *run, mask_error *err)
{
    mask__encoder *e = calloc(1, sizeof *e);
    *out = NULL;
    if (!e) return mask__no_memory(err, path);
    if (run) e->run = *run;
    mask_status status = mask__model_open(&e->model, path, side, err);
    for (size_t k = 0; status == MASK_OK && k < e->model.network_count; k++) status = open_network(e, k, err);
    e->facts.network_count = e->model.network_count;
    e->facts.label_count = e->model.label_count;
    e->facts.inputs = e->inputs;
    e->facts.maps = e->maps;
    e->facts.labels = e->model.labels;
    e->facts.finds_boxes = e->anchors != NULL;
    if (status == MASK_OK) *out = e;
    else mask__encoder_close(e);
    return status;
}

void mask__encoder_close(mask__encoder *e)
{
    if (!e) return;
    for (size_t k = 0; k < MASK__MOST_NETWORKS; k++) {
        mask__network_close(e->runners[k].network);
        for (size_t o = 0; o < OUTPUTS; o++) free(e->runners[k].outputs[o].values);
    }
    mask__model_close(&e->model);
    free(e->anchors);
    free(e);
}

const mask__encoder_facts *mask__encoder_facts_of(const mask__encoder *e)
{
    return &e->facts;
}

static void normalise(const mask__model_network *n, const uint8_t *rgb, size_t pixels, float *out)
{
    const float *scale = n->scale, *offset = n->offset;
#pragma omp parallel for
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < CHANNELS; c++)
            out[CHANNELS * i + c] = (float)rgb[CHANNELS * i + c] * scale[c] + offset[c];
}

static void scale_map(const mask__model_map *map, float *values, size_t count)
{
    if (map->scale == 1) return;
    for (size_t i = 0; i < count; i++) values[i] *= map->scale;
}

static mask_status run_network(mask__encoder *e, size_t k, const uint8_t *rgb, size_t count, float *input,
                               mask_error *err)
{
    const mask__model_network *n = &e->model.networks[k];
    runner *r = &e->runners[k];
    size_t pixels = n->input.side * n->input.side;
    for (size_t o = 0; o < r->output_count; o++)
        if (!mask__grow(&r->outputs[o].values, &r->outputs[o].room, count, r->outputs[o].count * sizeof(float)))
            return mask__no_memory(err, e->model.path);
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t photos = count - first < CHUNK ? count - first : CHUNK;
        float *to[OUTPUTS] = {NULL};
        for (size_t o = 0; o < r->output_count; o++) to[o] = r->outputs[o].values + first * r->outputs[o].count;
        normalise(n, rgb + first * CHANNELS * pixels, photos * pixels, input);
        MASK__TRY(mask__network_run(r->network, input, photos, to, err));
        for (size_t m = 0; m < n->map_count; m++) scale_map(&n->maps[m], to[m], photos * r->outputs[m].count);
    }
    return MASK_OK;
}

mask_status mask__encoder_run(mask__encoder *e, const uint8_t *const *rgb, size_t count, mask_error *err)
{
    size_t side = 0;
    MASK__USE_THREADS(mask__threads(&e->run));
    e->photos = 0;
    if (count == 0) return MASK_OK;
    for (size_t k = 0; k < e->model.network_count; k++)
        if (e->model.networks[k].input.side > side) side = e->model.networks[k].input.side;
    float *input = malloc((count < CHUNK ? count : CHUNK) * CHANNELS * side * side * sizeof *input);
    if (!input) return mask__no_memory(err, e->model.path);
    mask_status status = MASK_OK;
    for (size_t k = 0; status == MASK_OK && k < e->model.network_count; k++)
        status = run_network(e, k, rgb[k], count, input, err);
    free(input);
    if (status == MASK_OK) e->photos = count;
    return status;
}

static const float *output_of(const mask__encoder *e, size_t image, size_t network, size_t o)
{
    const output *from = &e->runners[network].outputs[o];
    assert(image < e->photos);
    return from->values + image * from->count;
}

static const mask__model_map *map_of(const mask__encoder *e, size_t map)
{
    return &e->model.networks[e->maps[map].network].maps[e->number_in_network[map]];
}

const float *mask__encoder_values(const mask__encoder *e, size_t image, size_t map)
{
    return output_of(e, image, e->maps[map].network, e->number_in_network[map]) +
           map_of(e, map)->before * e->maps[map].channels;
}

const float *mask__encoder_whole(const mask__encoder *e, size_t image, size_t map)
{
    return map_of(e, map)->before ? output_of(e, image, e->maps[map].network, e->number_in_network[map]) : NULL;
}

void mask__encoder_pool(const mask__encoder *e, size_t image, const float *boxes, size_t n, float *features)
{
    for (size_t m = 0; m < e->facts.map_count; m++) {
        const mask__encoder_map *map = &e->maps[m];
        const float *values = mask__encoder_values(e, image, m), *whole = mask__encoder_whole(e, image, m);
        for (size_t i = 0; i < n; i++) {
            const float *box = boxes + 4 * i;
            float *to = features + i * e->facts.channels + map->first;
            if (whole && box[0] <= 0 && box[1] <= 0 && box[2] >= 1 && box[3] >= 1)
                memcpy(to, whole, map->channels * sizeof *to);
            else mask__roi_pool(values, map->rows, map->columns, map->channels, box, to);
        }
    }
}

mask_status mask__encoder_detect(const mask__encoder *e, size_t image, const mask__detect_options *options,
                                 mask__detection *boxes, size_t *found, mask_error *err)
{
    *found = 0;
    if (!e->anchors) return MASK_OK;
    size_t first = e->model.networks[0].map_count;
    size_t count = mask__select_boxes(output_of(e, image, 0, first), output_of(e, image, 0, first + 1), e->anchors,
                                      e->anchor_count, e->classes, options, boxes);
    if (count == SIZE_MAX) return mask__no_memory(err, e->model.path);
    *found = count;
    return MASK_OK;
}
