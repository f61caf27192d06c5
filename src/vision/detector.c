#include "vision/boxes.h"
#include "vision/model.h"
#include "vision/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 }; /* images whose floats are held at once */

struct mask__detector {
    mask__model model;
    mask_run run;
    mask__network *network; /* boxes, scores and the map, or the map only */
    mask__network *mapper;  /* of a detector: the map only, for crops; made when first needed */
    mask__anchor *anchors;
    size_t anchor_count, classes;
    float *maps; /* of the images of the last detect */
    size_t map_count, map_room;
};

static const mask__graph_tensor *map_of(const mask__detector *d)
{
    return &d->model.graph.tensors[d->model.features];
}

static mask_status make_anchors(mask__detector *d, mask_error *err)
{
    d->anchor_count = mask__anchor_count(d->model.size);
    d->classes = d->model.graph.tensors[d->model.scores].count / d->anchor_count;
    d->anchors = calloc(d->anchor_count, sizeof *d->anchors);
    if (!d->anchors) return mask__no_memory(err, d->model.path);
    mask__anchors(d->model.size, d->anchors);
    return MASK_OK;
}

static mask_status open_detector(mask__detector *d, const char *path, mask_error *err)
{
    MASK__TRY(mask__model_open(&d->model, path, err));
    const uint32_t outputs[3] = {d->model.features, d->model.boxes, d->model.scores};
    if (d->model.kind == MASK__DETECTOR) MASK__TRY(make_anchors(d, err));
    return mask__network_open(&d->network, &d->model.graph, outputs, d->anchors ? 3 : 1, mask__threads(&d->run), NULL,
                              err);
}

mask_status mask__detector_open(mask__detector **out, const char *path, const mask_run *run, mask_error *err)
{
    mask__detector *d = calloc(1, sizeof *d);
    *out = NULL;
    if (!d) return mask__no_memory(err, path);
    if (run) d->run = *run;
    mask_status status = open_detector(d, path, err);
    if (status == MASK_OK) *out = d;
    else mask__detector_close(d);
    return status;
}

void mask__detector_close(mask__detector *d)
{
    if (!d) return;
    mask__network_close(d->mapper); /* it borrows from the other */
    mask__network_close(d->network);
    mask__model_close(&d->model);
    free(d->anchors);
    free(d->maps);
    free(d);
}

size_t mask__detector_size(const mask__detector *d)
{
    return d->model.size;
}

size_t mask__detector_channels(const mask__detector *d)
{
    return map_of(d)->shape[3];
}

bool mask__detector_finds_boxes(const mask__detector *d)
{
    return d->anchors != NULL;
}

size_t mask__detector_labels(const mask__detector *d)
{
    return d->model.label_count;
}

const char *mask__detector_label(const mask__detector *d, size_t label)
{
    return d->model.labels[label];
}

static void normalise(const mask__model *m, const uint8_t *rgb, size_t pixels, float *out)
{
    const float *scale = m->scale, *offset = m->offset;
#pragma omp parallel for
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++) out[3 * i + c] = (float)rgb[3 * i + c] * scale[c] + offset[c];
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What a chunk of images works with. */
typedef struct work {
    float *input, *map, *boxes, *scores;
} work;

static void free_work(work *w)
{
    free(w->input);
    free(w->map);
    free(w->boxes);
    free(w->scores);
}

static mask_status make_work(const mask__detector *d, work *w, bool boxes, bool map, size_t count, mask_error *err)
{
    size_t images = smaller(count, CHUNK);
    *w = (work){.input = malloc(images * 3 * d->model.size * d->model.size * sizeof *w->input)};
    if (map) w->map = malloc(images * map_of(d)->count * sizeof *w->map);
    if (boxes) w->boxes = malloc(images * 4 * d->anchor_count * sizeof *w->boxes);
    if (boxes) w->scores = malloc(images * d->classes * d->anchor_count * sizeof *w->scores);
    bool made = w->input && (!map || w->map) && (!boxes || (w->boxes && w->scores));
    if (!made) free_work(w);
    return made ? MASK_OK : mask__no_memory(err, d->model.path);
}

static mask_status select_boxes(const mask__detector *d, const work *w, size_t images,
                                const mask__detect_options *options, mask__detection *boxes, size_t *found,
                                mask_error *err)
{
    bool short_of_memory = false;
#pragma omp parallel for reduction(|| : short_of_memory)
    for (size_t i = 0; i < images; i++) {
        found[i] = mask__select_boxes(w->boxes + i * 4 * d->anchor_count, w->scores + i * d->classes * d->anchor_count,
                                      d->anchors, d->anchor_count, d->classes, options, boxes + i * options->max_boxes);
        short_of_memory = short_of_memory || found[i] == SIZE_MAX;
    }
    return short_of_memory ? mask__no_memory(err, d->model.path) : MASK_OK;
}

static mask_status detect_chunks(mask__detector *d, const work *w, const uint8_t *rgb, size_t count,
                                 const mask__detect_options *options, mask__detection *boxes, size_t *found,
                                 mask_error *err)
{
    size_t pixels = d->model.size * d->model.size, map = map_of(d)->count;
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t images = smaller(count - first, CHUNK);
        normalise(&d->model, rgb + first * 3 * pixels, images * pixels, w->input);
        MASK__TRY(mask__network_run(d->network, w->input, images,
                                    (float *[]){d->maps + first * map, w->boxes, w->scores}, err));
        if (d->anchors)
            MASK__TRY(select_boxes(d, w, images, options, boxes + first * options->max_boxes, found + first, err));
    }
    return MASK_OK;
}

mask_status mask__detector_detect(mask__detector *d, const uint8_t *rgb, size_t count,
                                  const mask__detect_options *options, mask__detection *boxes, size_t *found,
                                  mask_error *err)
{
    work w;
    size_t map = map_of(d)->count;
    mask__use_threads(&d->run);
    d->map_count = 0;
    memset(found, 0, count * sizeof *found);
    if (count == 0) return MASK_OK;
    if (!mask__grow(&d->maps, &d->map_room, count, map * sizeof *d->maps)) return mask__no_memory(err, d->model.path);
    MASK__TRY(make_work(d, &w, d->anchors != NULL, false, count, err));
    mask_status status = detect_chunks(d, &w, rgb, count, options, boxes, found, err);
    free_work(&w);
    if (status == MASK_OK) d->map_count = count;
    return status;
}

void mask__detector_pool(const mask__detector *d, size_t image, const float *boxes, size_t n, float *features)
{
    const mask__graph_tensor *map = map_of(d);
    assert(image < d->map_count);
    for (size_t i = 0; i < n; i++)
        mask__roi_pool(d->maps + image * map->count, map->shape[1], map->shape[2], map->shape[3], boxes + 4 * i,
                       features + i * map->shape[3]);
}

static mask_status crop_chunks(const mask__detector *d, mask__network *network, const work *w, const uint8_t *rgb,
                               size_t count, float *features, mask_error *err)
{
    const mask__graph_tensor *map = map_of(d);
    const float whole[4] = {0, 0, 1, 1};
    size_t pixels = d->model.size * d->model.size, channels = map->shape[3];
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t images = smaller(count - first, CHUNK);
        normalise(&d->model, rgb + first * 3 * pixels, images * pixels, w->input);
        MASK__TRY(mask__network_run(network, w->input, images, (float *[]){w->map}, err));
        for (size_t i = 0; i < images; i++)
            mask__roi_pool(w->map + i * map->count, map->shape[1], map->shape[2], channels, whole,
                           features + (first + i) * channels);
    }
    return MASK_OK;
}

mask_status mask__detector_crop_features(mask__detector *d, const uint8_t *rgb, size_t count, float *features,
                                         mask_error *err)
{
    work w;
    mask__use_threads(&d->run);
    if (count == 0) return MASK_OK;
    if (d->anchors && !d->mapper)
        MASK__TRY(mask__network_open(&d->mapper, &d->model.graph, &d->model.features, 1, mask__threads(&d->run),
                                     d->network, err));
    MASK__TRY(make_work(d, &w, false, true, count, err));
    mask_status status = crop_chunks(d, d->mapper ? d->mapper : d->network, &w, rgb, count, features, err);
    free_work(&w);
    return status;
}
