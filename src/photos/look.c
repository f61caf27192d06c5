#include "photos/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, GREY = 128 /* what networks see as nothing */ };

static mask_status open_eye(mask__looker *looker, mask__eye *eye, const char *path, size_t side, int threads,
                            mask_error *err)
{
    const mask_run run = {.threads = threads};
    MASK__TRY(mask__encoder_open(&eye->encoder, path, side, &run, err));
    eye->facts = mask__encoder_facts_of(eye->encoder);
    if (!(eye->squares = calloc(eye->facts->network_count, sizeof *eye->squares))) return mask__no_memory(err, path);
    for (size_t n = 0; n < eye->facts->network_count; n++) {
        side = eye->facts->inputs[n].side;
        if (!(eye->squares[n] = calloc(side * side, CHANNELS))) return mask__no_memory(err, path);
        if (side > looker->side) looker->side = side;
    }
    return MASK_OK;
}

static void close_eye(mask__eye *eye)
{
    for (size_t n = 0; eye->squares && n < eye->facts->network_count; n++) free(eye->squares[n]);
    free(eye->squares);
    mask__encoder_close(eye->encoder);
}

/* One run serves for both where the detector is the encoder and looks at the photo in the detector's way. */
static bool is_own_detector(const mask_extract_options *o)
{
    return strcmp(o->detector, o->encoder) == 0 && o->side == 0 && o->shape == MASK_PHOTO_STRETCH;
}

static mask_status open_looker(mask__looker *looker, int threads, mask_error *err)
{
    const mask_extract_options *o = &looker->options;
    bool detects = o->detector && o->regions && !o->boxes;
    MASK__TRY(open_eye(looker, &looker->encoder, o->encoder, o->side, threads, err));
    if (detects && !is_own_detector(o)) MASK__TRY(open_eye(looker, &looker->detector, o->detector, 0, threads, err));
    if (detects && !mask__looker_finder(looker)->facts->finds_boxes)
        return mask__fail(err, MASK_EINVAL, "%s: is no detector, it finds no boxes: name another", o->detector);
    looker->detections = calloc(o->regions + 1, sizeof *looker->detections);
    return looker->detections ? MASK_OK : mask__no_memory(err, o->encoder);
}

mask_status mask__looker_open(mask__looker *looker, const mask_extract_options *options, int threads, mask_error *err)
{
    *looker = (mask__looker){.options = *options};
    mask_status status = open_looker(looker, threads, err);
    if (status != MASK_OK) mask__looker_close(looker);
    return status;
}

void mask__looker_close(mask__looker *looker)
{
    close_eye(&looker->encoder);
    close_eye(&looker->detector);
    mask__resampler_free(&looker->resampler);
    free(looker->detections);
    *looker = (mask__looker){0};
}

const mask__eye *mask__looker_finder(const mask__looker *looker)
{
    if (!looker->options.detector || !looker->options.regions || looker->options.boxes) return NULL;
    return looker->detector.encoder ? &looker->detector : &looker->encoder;
}

static mask__grids grids_of(const mask__looker *looker)
{
    const mask_extract_options *o = &looker->options;
    return (mask__grids){o->grid_from, o->grid, o->grid_overlap};
}

size_t mask__looker_most(const mask__looker *looker)
{
    const mask__grids grids = grids_of(looker);
    return mask__propose_most(mask__looker_finder(looker) ? looker->options.regions : 0, &grids);
}

mask_status mask__look_decode(const mask__looker *looker, const unsigned char *bytes, size_t size, const char *name,
                              mask__photo *photo, mask_error *err)
{
    return mask__photo_decode(photo, bytes, size, name, MASK__COVER, looker->side, looker->options.max_pixels, err);
}

static mask_status make_room(mask__view *view, size_t count, size_t dim, mask_error *err)
{
    size_t values;
    if (mask__multiply(count, dim, &values) &&
        mask__grow(&view->regions, &view->regions_capacity, count, sizeof *view->regions) &&
        mask__grow(&view->boxes, &view->boxes_capacity, count * 4, sizeof *view->boxes) &&
        mask__grow(&view->labels, &view->labels_capacity, count, sizeof *view->labels) &&
        mask__grow(&view->scores, &view->scores_capacity, count, sizeof *view->scores) &&
        mask__grow(&view->features, &view->features_capacity, values, sizeof *view->features))
        return MASK_OK;
    return mask__no_memory(err, "a photo's regions");
}

/* Where the photo lies in the square, x1, y1, x2, y2 in [0, 1]: all of it, or in the middle between grey bars. */
static void place(mask_photo_shape shape, const mask__photo *photo, float inner[4])
{
    size_t longer = photo->full_width > photo->full_height ? photo->full_width : photo->full_height;
    bool pad = shape == MASK_PHOTO_PAD;
    float width = pad ? (float)photo->full_width / (float)longer : 1;
    float height = pad ? (float)photo->full_height / (float)longer : 1;
    inner[0] = (1 - width) / 2;
    inner[1] = (1 - height) / 2;
    inner[2] = inner[0] + width;
    inner[3] = inner[1] + height;
}

/* Whole pixels of a part of a side, at least one. */
static size_t pixels_of(float from, float to, size_t side, size_t *first)
{
    *first = (size_t)lrintf(from * (float)side);
    if (*first >= side) *first = side - 1;
    size_t end = (size_t)lrintf(to * (float)side);
    return end > *first ? end - *first : 1;
}

static mask_status see(mask__looker *looker, mask__eye *eye, const mask__photo *photo, const float inner[4],
                       mask_error *err)
{
    for (size_t n = 0; n < eye->facts->network_count; n++) {
        size_t side = eye->facts->inputs[n].side, x, y;
        size_t width = pixels_of(inner[0], inner[2], side, &x), height = pixels_of(inner[1], inner[3], side, &y);
        if (width < side || height < side) memset(eye->squares[n], GREY, side * side * CHANNELS);
        MASK__TRY(mask__resample(&looker->resampler, photo, width, height, side * CHANNELS,
                                 eye->squares[n] + (y * side + x) * CHANNELS, err));
    }
    return mask__encoder_run(eye->encoder, (const uint8_t *const *)eye->squares, 1, err);
}

static mask_status detect(mask__looker *looker, const mask__photo *photo, size_t *found, mask_error *err)
{
    static const float all[4] = {0, 0, 1, 1};
    mask__detect_options options = MASK__DETECT_DEFAULTS;
    const mask__eye *finder = mask__looker_finder(looker);
    *found = 0;
    if (!finder) return MASK_OK;
    if (looker->detector.encoder) MASK__TRY(see(looker, &looker->detector, photo, all, err));
    options.max_boxes = looker->options.regions;
    return mask__encoder_detect(finder->encoder, 0, &options, looker->detections, found, err);
}

/* A map that knows a vector for the whole photo gives that instead of its mean. */
static void use_whole(const mask__eye *eye, float *feature)
{
    for (size_t m = 0; m < eye->facts->map_count; m++) {
        const mask__encoder_map *map = &eye->facts->maps[m];
        const float *whole = mask__encoder_whole(eye->encoder, 0, m);
        if (whole) memcpy(feature + map->first, whole, map->channels * sizeof *feature);
    }
}

static void pool(const mask__looker *looker, mask__view *view, const float inner[4])
{
    for (size_t i = 0; i < view->count; i++)
        for (size_t c = 0; c < 4; c++)
            view->boxes[i * 4 + c] = inner[c % 2] + view->regions[i].box[c] * (inner[c % 2 + 2] - inner[c % 2]);
    mask__encoder_pool(looker->encoder.encoder, 0, view->boxes, view->count, view->features);
}

/* What goes into the store: boxes in pixels of the photo as it is in its file. */
static void fill_columns(mask__view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const mask__proposal *region = &view->regions[i];
        for (size_t c = 0; c < 4; c++)
            view->boxes[i * 4 + c] = region->box[c] * (float)(c % 2 ? view->height : view->width);
        view->labels[i] = region->label;
        view->scores[i] = region->score;
    }
}

mask_status mask__look(mask__looker *looker, mask__view *view, const mask__photo *photo,
                       const mask__boxtable_row *given, size_t count, mask_error *err)
{
    float inner[4];
    size_t found = 0;
    const mask__grids grids = grids_of(looker);
    view->width = photo->full_width;
    view->height = photo->full_height;
    place(looker->options.shape, photo, inner);
    MASK__TRY(see(looker, &looker->encoder, photo, inner, err));
    if (!given) MASK__TRY(detect(looker, photo, &found, err));
    MASK__TRY(make_room(view, given ? count : mask__propose_most(found, &grids), looker->encoder.facts->channels, err));
    view->count = given ? count : mask__propose(looker->detections, found, &grids, view->regions);
    for (size_t i = 0; given && i < count; i++)
        view->regions[i] = mask__propose_given(given[i].box, view->width, view->height);
    pool(looker, view, inner);
    if (!given) use_whole(&looker->encoder, view->features);
    fill_columns(view);
    return MASK_OK;
}

void mask__view_free(mask__view *view)
{
    free(view->regions);
    free(view->boxes);
    free(view->labels);
    free(view->scores);
    free(view->features);
    *view = (mask__view){0};
}
